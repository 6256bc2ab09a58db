"""Fleet: a road freight company on the web, to show how Django and Clerk work together."""
