"""What arguments are held to."""

from graphql import GraphQLError


def bad(message: str) -> GraphQLError:
    """What is answered to what cannot be used; `message` says what to say instead."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def bounded(name: str, value: int, most: int) -> int:
    """Raises `GraphQLError` where `value` is not from 1 to `most`."""
    if not 1 <= value <= most:
        raise bad(f"{name} is from 1 to {most}")
    return value
