"""One span of time against another."""
