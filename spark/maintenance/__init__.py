"""Which sensors are likely to fail: `job.py` is where to begin."""
