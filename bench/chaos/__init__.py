"""Faults by the hundred against ingest and its servers, then the proof of what is stored. Start at `run.py`."""
