"""Whole relations, of any size."""
