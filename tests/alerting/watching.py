"""A small city, and rules that look at it at a moment of the test's choice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.conditions import Context, observe, sources_down
from alerting.observation import Observation
from schema.alerting.rules import Rule
from tests.schema.city import City


def rule_when(when: dict[str, Any], **others: Any) -> Rule:
    """A rule with this condition."""
    return Rule.model_validate({"name": "a-rule", "title": "A title", "when": when, **others})


@dataclass(frozen=True)
class Watch:
    """Rules look at the city through this."""

    city: City
    engine: AsyncEngine

    async def sees(self, when: dict[str, Any], now: datetime, **others: Any) -> dict[str, Observation]:
        """What a rule sees at `now`, by subject."""
        async with self.engine.connect() as connection:
            found = await observe(connection, rule_when(when, **others), Context(now, "America/New_York", "US"))
        assert len({one.subject for one in found}) == len(found)
        return {one.subject: one for one in found}

    async def values(self, when: dict[str, Any], now: datetime, **others: Any) -> dict[str, float | None]:
        """The value of each subject."""
        return {subject: one.value for subject, one in (await self.sees(when, now, **others)).items()}

    async def down(self, now: datetime) -> set[str]:
        """The sources that are down."""
        async with self.engine.connect() as connection:
            return await sources_down(connection, Context(now, "America/New_York", "US"))
