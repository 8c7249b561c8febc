"""The SQL of this folder, by name; values are always bound, never written into it."""

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def statement(name: str) -> TextClause:
    """The content of `<name>.sql`."""
    return text(files(__package__).joinpath(f"{name}.sql").read_text())
