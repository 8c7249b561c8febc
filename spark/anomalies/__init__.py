"""What is not as it normally is: in a span that is over, in a stream, and in any single series."""
