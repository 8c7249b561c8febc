"""What has to be told though nothing changed: what a silence hid until now, what still fires, what nobody took on.

It looks at what is so, not at what happened, so that it also finds what a process that was killed left undone. A
repeat takes along all that fires in its group; escalation counts from when somebody was first told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.dispatch.mutes import Mutes
from alerting.dispatch.notices import WAITING, Planned, labels_of, plan
from alerting.dispatch.routes import Group, group_of, route_called, routes_of
from schema.alerting.routing import Policy, Route
from schema.tables import alert_notices, alert_told, alerts

Place = tuple[str, str, int]
"""An alert, a route, a step of its escalation."""


@dataclass(frozen=True)
class _Told:
    first_at: datetime
    last_at: datetime


@dataclass
class _Groups:
    """What is to be told, by group: `new` to anybody, `again` to those who know."""

    new: dict[tuple[str, str], Planned] = field(default_factory=dict)
    again: dict[tuple[str, int, str], Planned] = field(default_factory=dict)
    known: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, route: Route, row: Row[Any], step: int, *, is_new: bool) -> None:
        """Have an alert told at a step of its route."""
        group = group_of(route, row.labels, step)
        if is_new:
            self.new.setdefault((route.name, group.key), Planned(route, group, [])).alerts.append(row.id)
        else:
            key = (route.name, step, group.key)
            self.again.setdefault(key, Planned(route, group, [])).alerts.append(row.id)

    def know(self, route: Route, row: Row[Any]) -> None:
        """Note an alert that has been told and that nobody has acknowledged."""
        self.known.setdefault((route.name, group_of(route, row.labels).key), []).append(row.id)

    def whole(self) -> Iterator[Planned]:
        """`again`, each repeat with all of its group."""
        for (route, step, key), planned in self.again.items():
            members = planned.alerts if step else self.known.get((route, key), planned.alerts)
            yield Planned(planned.route, planned.group, members)


async def remind(connection: AsyncConnection, policy: Policy, now: datetime) -> int:
    """Write notices of all that is due to be told; how many groups that was."""
    firing = (await connection.execute(select(alerts).where(alerts.c.state == "firing"))).all()
    mutes = await Mutes.at(connection, policy.inhibitions, now)
    told, waiting = await _told(connection), await _waiting(connection)
    groups = _Groups()
    for row in firing:
        if mutes.why(row.id, row.labels) is not None:
            continue
        for route in routes_of(policy, row.labels):
            if (row.id, route.name, 0) in told and row.acknowledged_at is None:
                groups.know(route, row)
            for step in _due(route, row, told, now):
                if (row.id, route.name, step) not in waiting:
                    groups.add(route, row, step, is_new=step == 0 and (row.id, route.name, 0) not in told)
    await plan(connection, groups.new.values(), now)
    await plan(connection, groups.whole(), now, waits=False)
    return len(groups.new) + len(groups.again) + await _ends(connection, policy, waiting, now)


def _due(route: Route, row: Row[Any], told: Mapping[Place, _Told], now: datetime) -> Iterator[int]:
    """The steps of `route` that have to be told of the alert now."""
    first = told.get((row.id, route.name, 0))
    if first is None:
        yield 0
        return
    if row.acknowledged_at is not None:
        return
    if first.last_at + route.repeat_interval <= now:
        yield 0
    for number, step in enumerate(route.escalate, 1):
        if first.first_at + step.after <= now and (row.id, route.name, number) not in told:
            yield number


async def _told(connection: AsyncConnection) -> dict[Place, _Told]:
    """When the alerts that fire were told."""
    found = select(alert_told).join(alerts, alerts.c.id == alert_told.c.alert_id).where(alerts.c.state == "firing")
    return {
        (row.alert_id, row.route, row.step): _Told(row.first_at, row.told_at)
        for row in await connection.execute(found)
    }


async def _waiting(connection: AsyncConnection) -> frozenset[Place]:
    alert = func.unnest(alert_notices.c.alert_ids).label("alert")
    found = await connection.execute(select(alert, alert_notices.c.route, alert_notices.c.step).where(WAITING))
    return frozenset((row.alert, row.route, row.step) for row in found)


async def _ends(connection: AsyncConnection, policy: Policy, waiting: frozenset[Place], now: datetime) -> int:
    """Alerts that are over, of which only the beginning was told."""
    found = select(alert_told).join(alerts, alerts.c.id == alert_told.c.alert_id)
    found = found.where(alerts.c.state == "resolved", alert_told.c.state == "firing")
    planned = [
        Planned(
            route_called(policy, row.route),
            Group(row.route, row.step, row.group_key, labels_of(row.group_key)),
            [row.alert_id],
        )
        for row in await connection.execute(found)
        if (row.alert_id, row.route, row.step) not in waiting
    ]
    await plan(connection, planned, now)
    return len(planned)
