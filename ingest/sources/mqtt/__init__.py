"""Readings that devices publish to an MQTT broker."""
