"""New York, simulated: start at `model.py`."""
