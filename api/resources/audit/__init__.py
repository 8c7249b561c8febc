"""What was written through the API."""
