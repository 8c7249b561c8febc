"""What a row of an answer holds, said once: what is selected, under which name, explained how, of which type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
from pydantic import BaseModel, Field, create_model
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Double,
    FromClause,
    Label,
    Numeric,
    Select,
    String,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from api.http.problems import bad_parameter


@dataclass(frozen=True, eq=False)
class Told:
    """One field: `column` under the name `name`."""

    name: str
    column: ColumnElement[Any]
    description: str
    example: object = None
    optional: bool = True

    @property
    def label(self) -> Label[Any]:
        return self.column.label(self.name)

    @property
    def python_type(self) -> Any:
        kind = self.column.type
        if isinstance(kind, JSONB):
            return dict[str, Any]
        if isinstance(kind, ARRAY):
            return list[str] if isinstance(kind.item_type, String) else list[float]
        return kind.python_type

    @property
    def arrow_type(self) -> pa.DataType:
        """Of the values as they come from the database; GeoJSON travels as text."""
        return _ARROW[self.python_type]


_ARROW: Final[dict[Any, pa.DataType]] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", "UTC"),
    date: pa.date32(),
    dict[str, Any]: pa.string(),
    list[str]: pa.list_(pa.string()),
    list[float]: pa.list_(pa.float64()),
}


def told(
    column: Column[Any] | ColumnElement[Any], name: str = "", description: str = "", example: object = None
) -> Told:
    """A field for a column of a relation, explained as it is there, or for an expression, explained here."""
    comment = getattr(column, "comment", None)
    optional = getattr(column, "nullable", True) and not getattr(column, "primary_key", False)
    return Told(name or str(getattr(column, "name", "")), column, description or comment or "", example, optional)


@dataclass(frozen=True, eq=False)
class Shape:
    """The rows of an answer; `name` is its schema's in OpenAPI."""

    name: str
    description: str
    fields: tuple[Told, ...]

    @cached_property
    def model(self) -> type[BaseModel]:
        """For OpenAPI alone: rows are not made into objects."""
        definitions: dict[str, Any] = {field.name: _definition(field) for field in self.fields}
        return create_model(self.name, __doc__=self.description, **definitions)

    def select(self) -> Select[Any]:
        """All fields."""
        return self._selected

    @cached_property
    def _selected(self) -> Select[Any]:
        return select(*[field.label for field in self.fields])

    def over(self, rows: FromClause) -> "Shape":
        """The same fields, taken from a subquery that has them by their names: what is grouped can then be paged."""
        return replace(self, fields=tuple(replace(field, column=rows.c[field.name]) for field in self.fields))

    def chosen(self, names: Sequence[str] | None) -> tuple[Told, ...]:
        """The fields of `names`, in the shape's order; all for None. Raises the problem of a name that is none."""
        if names is None:
            return self.fields
        unknown = set(names) - {field.name for field in self.fields}
        if unknown:
            known = ", ".join(field.name for field in self.fields)
            raise bad_parameter("fields", f"there is no {', '.join(sorted(unknown))}; there are {known}")
        return tuple(field for field in self.fields if field.name in names)


def rounded(value: ColumnElement[Any], digits: int) -> ColumnElement[Any]:
    """Rounded in the database, as a double."""
    return cast(func.round(cast(value, Numeric), digits), Double)


def shape(name: str, description: str, fields: Iterable[Told]) -> Shape:
    """A shape of these fields."""
    return Shape(name, description, tuple(fields))


def _definition(field: Told) -> tuple[Any, Any]:
    examples = None if field.example is None else [field.example]
    if field.optional:
        return field.python_type | None, Field(None, description=field.description, examples=examples)
    return field.python_type, Field(description=field.description, examples=examples)
