"""Faults by the hundred against ingest and its servers, and the proof of what is stored after them. Start at `run.py`."""
