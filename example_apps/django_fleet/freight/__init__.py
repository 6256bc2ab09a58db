"""What the freight companies do: their data, pages and API."""
