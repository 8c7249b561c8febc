"""What is in the way of traffic."""
