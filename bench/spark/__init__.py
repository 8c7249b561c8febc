"""Spark's jobs, and what they find, against the simulated city's truth."""
