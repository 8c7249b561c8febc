"""What is not told: alerts that are silenced, and alerts that another one inhibits while it fires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.alerting.definitions import checked
from schema.alerting.events import values_of
from schema.alerting.routing import Inhibition, SilenceRequest
from schema.alerting.words import Labels, all_match
from schema.tables import alert_silences, alerts


@dataclass(frozen=True)
class Mutes:
    """What silences and inhibits at a moment. `sources` has the alerts that inhibit, by id, for each inhibition."""

    silences: Mapping[int, SilenceRequest]
    inhibitions: Sequence[tuple[Inhibition, Mapping[str, Labels]]]

    @classmethod
    async def at(cls, connection: AsyncConnection, inhibitions: Sequence[Inhibition], now: datetime) -> "Mutes":
        """As it is at `now`."""
        silences = await _silences(connection, now)
        if not inhibitions:
            return cls(silences, ())
        found = await connection.execute(select(alerts.c.id, alerts.c.labels).where(alerts.c.state == "firing"))
        firing = {row.id: row.labels for row in found}
        return cls(silences, [(one, _sources(one, firing)) for one in inhibitions])

    def why(self, alert: str, labels: Labels) -> dict[str, Any] | None:
        """What mutes an alert: the number of a silence, or the id of another alert; None where it is told."""
        for number, silence in self.silences.items():
            if all_match(silence.matchers, labels):
                return {"silence": number}
        for inhibition, sources in self.inhibitions:
            if not all_match(inhibition.target, labels):
                continue
            for source, theirs in sources.items():
                if source != alert and all(_share(name, labels, theirs) for name in inhibition.equal):
                    return {"inhibited_by": source}
        return None


async def _silences(connection: AsyncConnection, now: datetime) -> dict[int, SilenceRequest]:
    running = select(alert_silences).where(alert_silences.c.starts_at <= now, alert_silences.c.ends_at > now)
    silences = {row.id: silence_of(row) for row in await connection.execute(running)}
    return {number: silence for number, silence in silences.items() if silence.holds_at(now)}


def silence_of(row: Row[Any]) -> SilenceRequest:
    """A row of `alert_silences`."""
    times = {"starts_at": row.starts_at, "ends_at": row.ends_at}
    return checked(SilenceRequest, {**row.definition, **times}, f"silence {row.id}")


def _sources(inhibition: Inhibition, firing: Mapping[str, Labels]) -> dict[str, Labels]:
    return {alert: labels for alert, labels in firing.items() if all_match(inhibition.source, labels)}


def _share(name: str, one: Labels, other: Labels) -> bool:
    return not set(values_of(one, name)).isdisjoint(values_of(other, name))
