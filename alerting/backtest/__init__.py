"""What a rule would have done: its past seen as the engine would have seen it, through the engine's own states."""
