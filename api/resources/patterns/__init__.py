"""What is normal, sensors that are alike, and what is not as it normally is."""
