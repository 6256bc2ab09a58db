"""The Backend API of LocalClerk, as far as Clerk's own clients for servers ask for it."""
