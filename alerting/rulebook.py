"""The rules, contacts and routes in force, read anew whenever one changed.

A definition that this release does not understand is left out, and the log says so once.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from schema.alerting import definitions
from schema.alerting.definitions import Kept
from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Rule
from urbanclear.errors import ConfigurationError
from urbanclear.logs import get_logger

log = get_logger("alerting")


@dataclass
class Rulebook:
    """`rules` are those that are enabled, by name."""

    rules: dict[str, Kept[Rule]] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    _revision: tuple[Any, ...] | None = None

    async def refresh(self, connection: AsyncConnection) -> bool:
        """Read all anew where anything changed; whether it did."""
        revision = tuple((await connection.execute(definitions.revision())).one())
        if revision == self._revision:
            return False
        rules = await self._read(connection, "rule", Rule)
        self.rules = {kept.name: kept for kept in rules if kept.definition.enabled}
        self.contacts = {kept.name: kept.definition for kept in await self._read(connection, "contact", Contact)}
        policies = await self._read(connection, "policy", Policy)
        self.policy = policies[0].definition if policies else Policy()
        self._revision = revision
        unknown = sorted(self.policy.contacts - set(self.contacts))
        if unknown:
            log.warning(
                "alerting.contacts_unknown", contacts=unknown, do="write them with `urbanclear alerting apply`"
            )
        log.info("alerting.rules_read", rules=len(self.rules), contacts=len(self.contacts))
        return True

    async def _read(
        self, connection: AsyncConnection, kind: definitions.Kind, model: type[definitions.DefinitionT]
    ) -> list[Kept[definitions.DefinitionT]]:
        found = []
        for row in (await connection.execute(definitions.current(kind))).mappings():
            try:
                found.append(definitions.kept(row, model))
            except ConfigurationError as error:
                log.error("alerting.definition_refused", kind=kind, name=row["name"], error=str(error))
        return found
