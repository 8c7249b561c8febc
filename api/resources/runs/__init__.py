"""Runs of the batch jobs."""
