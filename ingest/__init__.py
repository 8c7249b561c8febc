"""Feeds into Kafka (`sources/`), and Kafka into the database (`consumer.py`)."""
