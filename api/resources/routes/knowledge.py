"""What routes know: the network as the database has it, kept until it changes, and speeds and closures at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, and_, func, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from api.database import Database
from api.resources.patterns.normal import Calendar
from api.resources.routes.speeds import CURRENT_S, QUARTER_S, Known, Speed
from schema.relations import rollups
from schema.roads.lines import line_of
from schema.roads.network import Link, Network
from schema.tables import incidents, links, predictions, profiles, sensors
from urbanclear.public_holidays import day_type

#: What is normal is read for so long from the departure on; who is on the way longer meets free flow.
NORMAL_S: Final = 4 * 3600
#: The longest horizon that is looked for among predictions.
HORIZON: Final = timedelta(hours=24)

_FREE_FLOW: Final = func.coalesce(sensors.c.free_flow_speed_kmh, links.c.free_flow_speed_kmh)
_LINKS: Final = (
    select(
        *(sensors.c.id, sensors.c.external_id, sensors.c.name, sensors.c.lanes, sensors.c.geometry),
        *(sensors.c.length_m, _FREE_FLOW.label("free_flow_speed_kmh")),
    )
    .join_from(sensors, links, links.c.sensor_id == sensors.c.id, isouter=True)
    .where(sensors.c.kind == "link", sensors.c.geometry["type"].astext == "LineString")
    .order_by(sensors.c.id)
)
#: Changes whenever a link does.
_VERSION: Final = select(
    func.count(),
    func.max(sensors.c.updated_at),
    select(func.sum(links.c.free_flow_speed_kmh)).scalar_subquery(),
).select_from(sensors)


class Networks:
    """The network, made anew when sensors have changed."""

    def __init__(self) -> None:
        self._version: Sequence[Any] = ()
        self._network = Network([])
        self._making = asyncio.Lock()

    async def current(self, database: Database) -> Network:
        """As the sensors are now."""
        [version] = await database.tuples(_VERSION)
        if tuple(version) != self._version:
            async with self._making:
                if tuple(version) != self._version:  # nobody has made it meanwhile
                    found = [link for row in await database.rows(_LINKS) if (link := _link(row)) is not None]
                    self._network, self._version = await asyncio.to_thread(Network, found), tuple(version)
        return self._network


def _link(row: RowMapping) -> Link | None:
    """None for a line that leads nowhere."""
    line = line_of(row["geometry"])
    if line is None:
        return None
    length = row["length_m"] or line.length_m
    return Link(row["id"], row["external_id"], row["name"], line, length, row["free_flow_speed_kmh"], row["lanes"])


@dataclass(frozen=True)
class Traffic:
    """What is known of each link of a network, in its order, and by which incident the closed ones are closed."""

    known: Sequence[Known]
    closures: Mapping[int, str]

    @property
    def impassable(self) -> set[int]:
        """Links that are closed, and those of which no speed is known."""
        return {*self.closures, *(number for number, known in enumerate(self.known) if not known.is_enough)}


async def traffic_of(database: Database, calendar: Calendar, network: Network, departs: datetime) -> Traffic:
    """As it was known at the departure, or as it is known now for one that lies ahead."""
    as_of = min(departs, datetime.now(UTC))
    forecasts = await _forecasts(database, as_of, departs)
    current = await _current(database, as_of)
    normal = await _normal(database, calendar, departs)
    known = [
        Known(
            as_of=as_of.timestamp(),
            forecasts=forecasts.get(link.sensor_id, ()),
            current=current.get(link.sensor_id),
            normal=normal.get(link.sensor, {}),
            free_flow=Speed(link.free_flow_speed_kmh, "free_flow") if link.free_flow_speed_kmh else None,
        )
        for link in network.links
    ]
    return Traffic(known, await _closures(database, network, departs))


async def _forecasts(database: Database, as_of: datetime, departs: datetime) -> dict[int, list[tuple[float, Speed]]]:
    """Of each sensor the newest predictions made by then, by the time for which they are."""
    made = predictions.alias("made")
    newest = (
        select(made.c.made_at)
        .where(made.c.sensor_id == sensors.c.id, made.c.made_at <= as_of)
        .where(made.c.time > departs, made.c.time <= as_of + HORIZON)
        .order_by(made.c.made_at.desc())
        .limit(1)
        .lateral("newest")
    )
    of_newest = and_(predictions.c.sensor_id == sensors.c.id, predictions.c.made_at == newest.c.made_at)
    columns = [predictions.c[name] for name in ("sensor_id", "time", "speed_kmh", "lower_kmh", "upper_kmh", "model")]
    statement = (
        select(*columns)
        .select_from(sensors.join(newest, true()).join(predictions, of_newest))
        .where(predictions.c.time > departs, predictions.c.time <= as_of + HORIZON)
        .order_by(predictions.c.sensor_id, predictions.c.time)
    )
    found: defaultdict[int, list[tuple[float, Speed]]] = defaultdict(list)
    for row in await database.rows(statement):
        speed = Speed(row["speed_kmh"], "forecast", row["lower_kmh"], row["upper_kmh"], row["model"])
        found[row["sensor_id"]].append((row["time"].timestamp(), speed))
    return found


async def _current(database: Database, as_of: datetime) -> dict[int, Speed]:
    """Of each sensor the mean of the newest 5 minutes that have a good reading."""
    rollup = rollups["readings_5m"].c
    statement = (
        select(rollup.sensor_id, rollup.speed_kmh)
        .where(rollup.time > as_of - timedelta(seconds=CURRENT_S), rollup.time <= as_of)
        .where(rollup.speed_kmh.is_not(None))
        .order_by(rollup.sensor_id, rollup.time.desc())
        .ext(distinct_on(rollup.sensor_id))
    )
    return {row["sensor_id"]: Speed(row["speed_kmh"], "current") for row in await database.rows(statement)}


async def _normal(database: Database, calendar: Calendar, departs: datetime) -> dict[str, dict[int, Speed]]:
    """By sensor and start of a quarter of an hour, from the departure on."""
    quarters = _quarters(calendar, departs)
    statement = select(
        *(profiles.c.subject, profiles.c.day_type, profiles.c.minute),
        *(profiles.c.speed_kmh, profiles.c.lower_kmh, profiles.c.upper_kmh),
    ).where(profiles.c.subject_kind == "sensor", tuple_(profiles.c.day_type, profiles.c.minute).in_(quarters.keys()))
    found: defaultdict[str, dict[int, Speed]] = defaultdict(dict)
    for row in await database.rows(statement):
        for quarter in quarters[row["day_type"], row["minute"]]:
            speed = Speed(row["speed_kmh"], "profile", row["lower_kmh"], row["upper_kmh"])
            found[row["subject"]][quarter] = speed
    return found


def _quarters(calendar: Calendar, departs: datetime) -> dict[tuple[str, int], list[int]]:
    """The quarters of an hour from the departure on, by kind of day and minute of the city's clock."""
    zone = ZoneInfo(calendar.time_zone)
    first = int(departs.timestamp() // QUARTER_S) * QUARTER_S
    holidays = set(calendar.holidays(departs, departs + timedelta(seconds=NORMAL_S)))
    found: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for start in range(first, first + NORMAL_S + QUARTER_S, QUARTER_S):
        local = datetime.fromtimestamp(start, zone)
        found[day_type(local.date(), holidays), local.hour * 60 + local.minute].append(start)
    return found


async def _closures(database: Database, network: Network, departs: datetime) -> dict[int, str]:
    """By link, the incident that blocks all its lanes at the departure: as far as both numbers are known."""
    lasting = or_(incidents.c.cleared_at.is_(None), incidents.c.cleared_at > departs)
    statement = select(incidents.c.id, incidents.c.sensors, incidents.c.lanes_blocked).where(
        lasting, incidents.c.started_at <= departs, incidents.c.lanes_blocked > 0
    )
    number_of = {link.sensor: number for number, link in enumerate(network.links)}
    found: dict[int, str] = {}
    for row in await database.rows(statement.order_by(incidents.c.id)):
        for number in (number_of[sensor] for sensor in row["sensors"] if sensor in number_of):
            lanes = network.links[number].lanes
            if lanes is not None and row["lanes_blocked"] >= lanes:
                found.setdefault(number, row["id"])
    return found
