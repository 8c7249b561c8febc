"""Forecasts, measured: how good they are on files, and how soon a reading is in them."""
