"""What there is to ask for, a folder a resource: its routes, its queries, the shapes of its answers."""
