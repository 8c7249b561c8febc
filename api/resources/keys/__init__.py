"""The keys that the API is used with."""
