"""What can be staged in the simulated city: start at `form.py`, which says what a scenario file may hold."""
