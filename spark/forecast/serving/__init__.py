"""Forecasts as they are made: a process that follows Kafka and foretells every sensor's next hour each minute."""
