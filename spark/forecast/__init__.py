"""Speeds of every sensor 5 to 60 minutes ahead, with their interval."""
