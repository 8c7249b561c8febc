"""Sensors with all that belongs to them, in one round trip."""
