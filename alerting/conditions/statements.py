"""The SQL of this folder, by name; values are always bound, never written into it."""

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def statement(name: str, relation: str = "") -> TextClause:
    """The content of `<name>.sql`, which may be about one of several of our own relations."""
    return text(files(__package__).joinpath(f"{name}.sql").read_text().replace("RELATION", relation))
