"""What a week of traffic cost, where, and what changed: the insights job, from the daily measures."""
