"""What weeks were notable for."""
