"""What Core knows of the views is what the database has."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects.postgresql import dialect

from schema.database import sqlalchemy_url
from schema.relations import VIEWS

POSTGRESQL = dialect()  # type: ignore[no-untyped-call]
#: Types that Core need not tell apart: their values are the same in Python.
ALIKE = {"REAL": "DOUBLE PRECISION", "SMALLINT": "INTEGER", "BIGINT": "INTEGER", "NUMERIC": "DOUBLE PRECISION"}


def kinds(columns: Iterable[Any]) -> dict[str, str]:
    names = {column["name"]: column["type"].compile(dialect=POSTGRESQL) for column in columns}
    return {name: ALIKE.get(kind, kind) for name, kind in names.items()}


@pytest.mark.filterwarnings("ignore:Did not recognize type:sqlalchemy.exc.SAWarning")
def test_every_view_has_the_columns_and_types_that_core_knows(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    found = {view.name: kinds(inspect(engine).get_columns(view.name)) for view in VIEWS}
    engine.dispose()
    assert found == {view.name: kinds({"name": c.name, "type": c.type} for c in view.columns) for view in VIEWS}


def test_every_column_that_core_knows_of_a_view_is_explained() -> None:
    silent = [str(column) for view in VIEWS for column in view.columns if not column.comment]
    assert silent == []
