"""When nobody is told of which alerts."""
