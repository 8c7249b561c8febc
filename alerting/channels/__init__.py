"""The ways in which people and machines are told, each in a room of its own that nothing else knows of."""
