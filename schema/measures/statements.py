"""The SQL of this folder, by name."""

from importlib.resources import files


def statement(name: str) -> bytes:
    """The content of `<name>.sql`."""
    return files(__package__).joinpath(f"{name}.sql").read_bytes()
