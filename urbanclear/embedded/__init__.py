"""The one-machine stack: PostgreSQL, Kafka and every part as local processes. Start at `stack.py`."""
