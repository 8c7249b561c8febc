"""Feeds: each publishes its events through `schema.publisher` and knows nothing else."""
