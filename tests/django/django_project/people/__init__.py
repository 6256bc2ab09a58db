"""An application with a user model of its own: people sign in with their email address."""
