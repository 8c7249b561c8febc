"""Speeds as they are expected, and how well they were."""
