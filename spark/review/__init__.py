"""A second look at what the anomalies job found: day by day, and against incidents and chance."""
