"""How traffic was, at the level of detail that the span asked for allows."""
