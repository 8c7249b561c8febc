"""Sensors grouped by the shape of their week, each group with a name and its most typical sensor."""
