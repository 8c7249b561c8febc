"""`urbanclear bench`."""


def bench() -> None:
    """x"""
