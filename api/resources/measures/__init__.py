"""What is computed of each day: reliability, delay, bottlenecks, what incidents cost."""
