"""Notices: that a group of alerts has something to tell, and by when.

They are written in the transaction that changes the alerts, and gather what else happens in the group until they are
due.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from alerting.dispatch.routes import DIRECT, Group, group_of, route_called, routes_of
from schema.alerting.routing import Policy, Route
from schema.alerting.words import Labels
from schema.tables import alert_notices, alert_told

WAITING: Final[ColumnElement[bool]] = and_(alert_notices.c.done_at.is_(None), alert_notices.c.route != DIRECT)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALL: Final = text("alert_notices.alert_ids || excluded.alert_ids")


@dataclass(frozen=True)
class Planned:
    """What one group is to be told of."""

    route: Route
    group: Group
    alerts: list[str]


async def plan_firing(
    connection: AsyncConnection, policy: Policy, firing: Mapping[str, Labels], now: datetime
) -> None:
    """Alerts, by id, that have begun to fire."""
    groups: dict[tuple[str, str], tuple[Route, Group, list[str]]] = {}
    for alert, labels in firing.items():
        for route in routes_of(policy, labels):
            group = group_of(route, labels)
            groups.setdefault((route.name, group.key), (route, group, []))[2].append(alert)
    await plan(connection, [Planned(*parts) for parts in groups.values()], now)


async def plan_resolved(
    connection: AsyncConnection, policy: Policy, resolved: Collection[str], now: datetime
) -> None:
    """Alerts that are over: whoever was told that they fire is told, and whoever is about to be."""
    if not resolved:
        return
    places = select(alert_told.c.alert_id, alert_told.c.route, alert_told.c.step, alert_told.c.group_key).where(
        alert_told.c.alert_id.in_(resolved), alert_told.c.state == "firing"
    )
    planned = [
        Planned(route_called(policy, name), Group(name, step, key, labels_of(key)), [alert])
        for alert, name, step, key in await connection.execute(places)
    ]
    await plan(connection, planned, now)


def labels_of(key: str) -> dict[str, str]:
    """What a group's key says."""
    return dict(json.loads(key))


async def plan(connection: AsyncConnection, planned: Iterable[Planned], now: datetime, *, waits: bool = True) -> None:
    """Write what groups are to be told of, or add it to what they wait to be told.

    It is due after the group's wait for others, unless it `waits` not, and an interval after what was last told.
    """
    for one in planned:
        soonest = now + one.route.group_wait if waits else now
        await _announce(connection, one, max(soonest, await may_be_told(connection, one.route, one.group)))


async def may_be_told(connection: AsyncConnection, route: Route, group: Group) -> datetime:
    """From when on the group may be told of something again."""
    told = select(func.max(alert_told.c.told_at)).where(
        alert_told.c.route == group.route, alert_told.c.step == group.step, alert_told.c.group_key == group.key
    )
    last: datetime | None = await connection.scalar(told)
    return last + route.group_interval if last is not None else _LONG_AGO


async def _announce(connection: AsyncConnection, planned: Planned, due_at: datetime) -> None:
    """Have it told at `due_at`, or earlier with what the group waits for already."""
    group = planned.group
    new = insert(alert_notices).values(
        id=uuid4().hex,
        route=group.route,
        step=group.step,
        group_key=group.key,
        group_labels=group.labels,
        alert_ids=cast(planned.alerts, ARRAY(Text)),
        due_at=due_at,
    )
    adding = new.on_conflict_do_update(
        index_elements=[alert_notices.c.route, alert_notices.c.step, alert_notices.c.group_key],
        index_where=text("done_at IS NULL AND route <> 'direct'"),
        set_={"alert_ids": _ALL, "due_at": func.least(alert_notices.c.due_at, new.excluded.due_at)},
    )
    await connection.execute(adding)
