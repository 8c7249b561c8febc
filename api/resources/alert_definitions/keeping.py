"""Writing what alerting is told: each change is a version of its own, made of the one before it and no other.

Whoever writes waits for whoever writes already, so that a route never names a contact that is gone.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import HTTPException
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.access.store import Store
from api.http.preconditions import Precondition
from api.http.problems import bad_body
from schema.alerting.definitions import MODELS, POLICY, Kind, checked, current, versions, write
from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Rule
from schema.alerting.words import Definition

ALONE: Final = text("LOCK TABLE alert_definitions IN SHARE ROW EXCLUSIVE MODE")
ORIGIN: Final = "api"


@dataclass(frozen=True)
class Written:
    """A version, and whether there was none of that name before, or one that said something else."""

    row: RowMapping
    is_new: bool
    is_changed: bool


class Keeping:
    """Writes for whoever `actor` is. All methods raise 412 where the precondition does not hold."""

    def __init__(self, store: Store, actor: str) -> None:
        self._store = store
        self._actor = actor

    async def put(self, kind: Kind, name: str, definition: Definition, precondition: Precondition) -> Written:
        """Let `definition` be what counts; the same again makes no version. Raises 422 for a policy that names
        contacts which are not there."""
        async with self._writing(kind, name) as (connection, newest):
            known = None if newest is None or newest["definition"] is None else newest
            precondition.check(f"{kind} {name}", None if known is None else known["version"])
            if isinstance(definition, Policy):
                await _check_contacts(connection, definition)
            if known is not None and _says_the_same(known, kind, definition):
                return Written(known, is_new=False, is_changed=False)
            row = await self._write(connection, kind, name, definition, newest)
            return Written(row, is_new=known is None, is_changed=True)

    async def delete(self, kind: Kind, name: str, precondition: Precondition) -> int:
        """Let it count no more; its versions stay. Returns the version that says so.

        Raises 404 where there is none, and 409 for a contact that routes name.
        """
        async with self._writing(kind, name) as (connection, newest):
            if newest is None or newest["definition"] is None:
                raise HTTPException(404, missing(kind, name))
            precondition.check(f"{kind} {name}", newest["version"])
            if kind == "contact":
                await _check_not_named(connection, name)
            version: int = (await self._write(connection, kind, name, None, newest))["version"]
            return version

    @asynccontextmanager
    async def _writing(self, kind: Kind, name: str) -> AsyncIterator[tuple[AsyncConnection, RowMapping | None]]:
        async with self._store.transaction() as connection:
            await connection.execute(ALONE)
            newest = await connection.execute(versions(kind, name).limit(1))
            yield connection, newest.mappings().one_or_none()

    async def _write(
        self, connection: AsyncConnection, kind: Kind, name: str, definition: Definition | None, newest: Any
    ) -> RowMapping:
        after = 0 if newest is None else newest["version"]
        written = await connection.execute(write(kind, name, definition, ORIGIN, self._actor, after))
        row: RowMapping = written.mappings().one()
        return row


def missing(kind: Kind, name: str) -> str:
    """What is said of one that there is not."""
    if kind == "policy":
        return "There is no policy yet, so that nobody is told of anything: PUT one to /api/v1/alert-policy."
    return f"There is no {kind} {name}: see /api/v1/alert-{kind}s for those there are."


def _says_the_same(known: RowMapping, kind: Kind, definition: Definition) -> bool:
    """What an older release wrote may be none any more: then it does not."""
    try:
        return MODELS[kind].model_validate(known["definition"]) == definition
    except ValueError:
        return False


async def _check_contacts(connection: AsyncConnection, policy: Policy) -> None:
    there = {row["name"] for row in (await connection.execute(current("contact"))).mappings()}
    gone = [f"route {route} names {name}" for route, name in _named(policy) if name not in there]
    if gone:
        known = ", ".join(sorted(there)) or "none"
        raise bad_body("routes", f"contacts have to exist: {', '.join(dict.fromkeys(gone))}; there are {known}")


async def _check_not_named(connection: AsyncConnection, name: str) -> None:
    row = (await connection.execute(current("policy"))).mappings().one_or_none()
    if row is None:
        return
    routes = sorted({route for route, named in _named(checked(Policy, row["definition"], POLICY)) if named == name})
    if routes:
        raise HTTPException(409, f"Contact {name} is named by {', '.join(routes)}: take it out of the policy first.")


def _named(policy: Policy) -> Iterator[tuple[str, str]]:
    """Each route with each contact that it names."""
    for route in policy.routes:
        for name in route.named:
            yield route.name, name


def check_name(name: str, definition: Rule | Contact) -> None:
    """Raises the problem of a body that is about another one than its address."""
    if definition.name != name:
        raise bad_body("name", f"{definition.name!r} is not {name!r}, as the address says: make them the same")
