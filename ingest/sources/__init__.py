"""Feeds: each publishes its events through `ingest.publisher` and knows nothing else."""
