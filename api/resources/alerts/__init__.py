"""What is wrong in the city now, and what people say and do about it."""
