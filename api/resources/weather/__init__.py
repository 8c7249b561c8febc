"""What weather stations observed."""
