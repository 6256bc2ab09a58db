"""Who the people are, and where they work just now."""
