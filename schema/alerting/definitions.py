"""Rules, contacts and the policy as they are kept: every version of each, of which the newest counts.

Statements for whoever has a connection; what was read is checked anew, since a newer release may have written it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import ValidationError
from sqlalchemy import RowMapping, Select, func, insert, literal, null, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.dml import ReturningInsert

from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Rule
from schema.alerting.words import KEPT, Definition
from schema.tables import alert_definitions
from urbanclear.errors import ConfigurationError

Kind = Literal["rule", "contact", "policy"]
Origin = Literal["default", "file", "api"]
DefinitionT = TypeVar("DefinitionT", bound=Definition)

MODELS: Final[Mapping[str, type[Definition]]] = {"rule": Rule, "contact": Contact, "policy": Policy}
POLICY: Final = "policy"
"""What the one policy is called."""


@dataclass(frozen=True)
class Kept(Generic[DefinitionT]):
    """A definition and where it is from."""

    name: str
    version: int
    definition: DefinitionT
    origin: Origin
    changed_at: datetime
    changed_by: str


def current(kind: Kind, name: str | None = None) -> Select[Any]:
    """The newest version of each that was not deleted, or of the one called `name`."""
    newest = (
        select(alert_definitions)
        .ext(distinct_on(alert_definitions.c.name))
        .where(alert_definitions.c.kind == kind)
        .order_by(alert_definitions.c.name, alert_definitions.c.version.desc())
    )
    if name is not None:
        newest = newest.where(alert_definitions.c.name == name)
    named = newest.subquery()
    return select(named).where(named.c.definition.is_not(None)).order_by(named.c.name)


def versions(kind: Kind, name: str) -> Select[Any]:
    """All versions, the newest first; `definition` is NULL where it was deleted."""
    table = alert_definitions
    return select(table).where(table.c.kind == kind, table.c.name == name).order_by(table.c.version.desc())


def revision() -> Select[Any, Any]:
    """Changes whenever any definition does."""
    return select(func.count(), func.max(alert_definitions.c.changed_at))


def write(
    kind: Kind, name: str, definition: Definition | None, origin: Origin, by: str, after: int
) -> ReturningInsert[Any]:
    """The next version, after `after` (0: there was none); None deletes it. Returns its row.

    Whoever was quicker makes this fail with `sqlalchemy.exc.IntegrityError`.
    """
    values = {
        "kind": kind,
        "name": name,
        "version": literal(after + 1),
        "definition": definition.document() if definition is not None else null(),
        "origin": origin,
        "changed_by": by,
    }
    return insert(alert_definitions).values(values).returning(alert_definitions)


def kept(row: RowMapping | Mapping[str, Any], model: type[DefinitionT]) -> Kept[DefinitionT]:
    """A row of `current`; raises `ConfigurationError` where it is none that this release understands."""
    return Kept(
        row["name"],
        row["version"],
        checked(model, row["definition"], row["name"]),
        row["origin"],
        row["changed_at"],
        row["changed_by"],
    )


def checked(model: type[DefinitionT], document: object, where: str) -> DefinitionT:
    """`document` as a definition; raises `ConfigurationError` with all that is wrong with it, in one sentence."""
    try:
        return model.model_validate(document, context=KEPT)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {'; '.join(problems(error))}.") from None


def problems(error: ValidationError) -> Iterable[str]:
    """What is wrong, and where in the document."""
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        yield f"{place}: {message}" if place else message
