"""What traffic is like now."""
