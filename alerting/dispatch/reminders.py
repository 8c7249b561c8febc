"""What has to be told though nothing changed: what a silence hid until now, what still fires, what nobody took on.

It looks at what is so, not at what happened, so that it also finds what a process that was killed left undone.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.dispatch.mutes import Mutes
from alerting.dispatch.notices import WAITING, Planned, announce, labels_of, plan
from alerting.dispatch.routes import Group, group_of, routes_of
from schema.alerting.routing import Policy, Route
from schema.tables import alert_notices, alert_told, alerts

Place = tuple[str, str, int]
"""An alert, a route, a step of its escalation."""


async def remind(connection: AsyncConnection, policy: Policy, now: datetime) -> int:
    """Write notices of all that is due to be told; how many groups that was."""
    firing = (await connection.execute(select(alerts).where(alerts.c.state == "firing"))).all()
    mutes = await Mutes.at(connection, policy.inhibitions, now)
    told, waiting = await _told(connection), await _waiting(connection)
    new: dict[tuple[str, str], Planned] = {}
    again: dict[tuple[str, int, str], tuple[Group, list[str]]] = {}
    for row in firing:
        if mutes.why(row.id, row.labels) is not None:
            continue
        for route in routes_of(policy, row.labels):
            for step in _due(route, row, told, now):
                group = group_of(route, row.labels, step)
                if (row.id, route.name, step) in waiting:
                    continue
                if step == 0 and (row.id, route.name, 0) not in told:
                    new.setdefault((route.name, group.key), Planned(route, group, [])).alerts.append(row.id)
                else:
                    again.setdefault((route.name, step, group.key), (group, []))[1].append(row.id)
    await plan(connection, new.values(), now)
    for group, ids in again.values():
        await announce(connection, group, ids, now)
    return len(new) + len(again) + await _ends(connection, policy, waiting, now)


def _due(route: Route, row: Row[Any], told: Mapping[Place, datetime], now: datetime) -> Iterator[int]:
    """The steps of `route` that have to be told of the alert now."""
    last = told.get((row.id, route.name, 0))
    if last is None or (row.acknowledged_at is None and last + route.repeat_interval <= now):
        yield 0
    if row.acknowledged_at is not None:
        return
    for number, step in enumerate(route.escalate, 1):
        if row.fired_at + step.after <= now and (row.id, route.name, number) not in told:
            yield number


async def _told(connection: AsyncConnection) -> dict[Place, datetime]:
    """When the alerts that fire were last told."""
    found = select(alert_told).join(alerts, alerts.c.id == alert_told.c.alert_id).where(alerts.c.state == "firing")
    return {(row.alert_id, row.route, row.step): row.told_at for row in await connection.execute(found)}


async def _waiting(connection: AsyncConnection) -> frozenset[Place]:
    alert = func.unnest(alert_notices.c.alert_ids).label("alert")
    found = await connection.execute(select(alert, alert_notices.c.route, alert_notices.c.step).where(WAITING))
    return frozenset((row.alert, row.route, row.step) for row in found)


async def _ends(connection: AsyncConnection, policy: Policy, waiting: frozenset[Place], now: datetime) -> int:
    """Alerts that are over, of which only the beginning was told."""
    routes = {route.name: route for route in policy.routes}
    found = select(alert_told).join(alerts, alerts.c.id == alert_told.c.alert_id)
    found = found.where(alerts.c.state == "resolved", alert_told.c.state == "firing")
    planned = [
        Planned(
            routes[row.route], Group(row.route, row.step, row.group_key, labels_of(row.group_key)), [row.alert_id]
        )
        for row in await connection.execute(found)
        if row.route in routes and (row.alert_id, row.route, row.step) not in waiting
    ]
    await plan(connection, planned, now)
    return len(planned)
