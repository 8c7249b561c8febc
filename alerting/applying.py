"""Writes definitions from files, and the defaults, as new versions: only what is not so already.

Defaults give way: what was written in another way, or deleted, stays so. A file takes the place of what was there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.conditions import Context
from alerting.conditions.fitting import misfits
from alerting.conditions.query import check
from alerting.definitions_files import Written, read_files
from alerting.guard import Addresses
from schema.alerting.definitions import Origin, current, write
from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Query, Rule
from schema.tables import alert_definitions
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

DEFAULTS: Final = Path(__file__).parent / "defaults"
FILES: Final = ("rules.yaml", "policy.yaml")

What = Literal["new", "changed", "same", "kept"]


@dataclass(frozen=True)
class Difference:
    """What becomes of one definition. `kept`: a default that gave way; `after` is the version that is there, or 0."""

    written: Written
    what: What
    after: int
    before: dict[str, Any] | None
    replaces: str = ""

    @property
    def is_written(self) -> bool:
        """Whether a new version is needed."""
        return self.what in ("new", "changed")


async def differences(connection: AsyncConnection, documents: Iterable[Written], origin: Origin) -> list[Difference]:
    """What would have to be written."""
    table = alert_definitions
    newest = (
        select(table)
        .ext(distinct_on(table.c.kind, table.c.name))
        .order_by(table.c.kind, table.c.name, table.c.version.desc())
    )
    known = {(row.kind, row.name): row for row in await connection.execute(newest)}
    return [_difference(one, known.get((one.kind, one.name)), origin) for one in documents]


def _difference(written: Written, known: Row[Any] | None, origin: Origin) -> Difference:
    if known is None:
        return Difference(written, "new", 0, None)
    if known.definition == written.definition.document():
        return Difference(written, "same", known.version, known.definition)
    if origin == "default" and known.origin != "default":
        return Difference(written, "kept", known.version, known.definition)
    replaces = f"what {known.changed_by} wrote over the API" if known.origin == "api" else ""
    what: What = "new" if known.definition is None else "changed"
    return Difference(written, what, known.version, known.definition, replaces)


async def write_all(connection: AsyncConnection, found: Sequence[Difference], origin: Origin, by: str) -> int:
    """Write what is needed, in the transaction of `connection`; how many versions that were."""
    count = 0
    for one in found:
        if one.is_written:
            new = write(one.written.kind, one.written.name, one.written.definition, origin, by, one.after)
            try:
                await connection.execute(new)
            except IntegrityError as error:
                raise ConfigurationError(
                    f"The {one.written.kind} {one.written.name} was changed at the same moment: apply it again."
                ) from error
            count += 1
    return count


async def problems_of(connection: AsyncConnection, documents: Iterable[Written]) -> list[str]:
    """What only the database can tell: queries that are wrong."""
    problems = []
    for one in documents:
        if isinstance(one.definition, Rule) and isinstance(one.definition.when, Query):
            try:
                await check(connection, one.definition.when)
            except ConfigurationError as error:
                problems.append(f"{one.place}: {one.name}.when.query: {error}")
    return problems


async def warnings_of(connection: AsyncConnection, documents: Sequence[Written], settings: Settings) -> list[str]:
    """What is allowed, and is hardly meant: nobody would be told, or of nothing."""
    addresses = Addresses(settings.alert_private_networks)
    return [
        *(
            f"nobody is called {name}: whom the policy sends there is not told"
            for name in await _unknown_contacts(connection, documents)
        ),
        *(said for one in documents for said in _out_of_reach(one, addresses)),
        *await _of_nothing(connection, documents, Context.of(settings)),
    ]


def _out_of_reach(written: Written, addresses: Addresses) -> Iterator[str]:
    """Addresses that these settings do not allow."""
    channels = written.definition.channels if isinstance(written.definition, Contact) else ()
    for number, channel in enumerate(channels):
        if channel.kind in ("webhook", "slack") and channel.to is not None:
            refusal = addresses.refusal(channel.to)
            if refusal is not None:
                yield f"{written.place}: {written.name}.channels.{number}.to: {refusal}"


async def _of_nothing(connection: AsyncConnection, documents: Sequence[Written], context: Context) -> list[str]:
    """Rules whose `where` fits nothing that there is."""
    rules = [(one, one.definition) for one in documents if isinstance(one.definition, Rule)]
    return [
        f"{one.place}: {one.name}.where: nothing that there is fits {words}"
        for one, rule in rules
        if (words := await misfits(connection, rule, context))
    ]


async def _unknown_contacts(connection: AsyncConnection, documents: Sequence[Written]) -> list[str]:
    """Contacts that the policy names and that are neither in the files nor known."""
    found = (await connection.execute(current("contact"))).mappings()
    known = {*(row["name"] for row in found), *(one.name for one in documents if isinstance(one.definition, Contact))}
    named: set[str] = set()
    for one in documents:
        if isinstance(one.definition, Policy):
            named |= one.definition.contacts
    return sorted(named - known)


async def seed_defaults(engine: AsyncEngine) -> int:
    """Write the default rules and the default policy where they are missing or older; how many were written."""
    documents, problems = read_files(DEFAULTS / name for name in FILES)
    if problems:
        raise ConfigurationError("; ".join(problems))
    async with engine.begin() as connection:
        return await write_all(
            connection, await differences(connection, documents, "default"), "default", "urbanclear"
        )
