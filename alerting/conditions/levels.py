"""What sensors measured: their newest readings, or their means in buckets of 5 minutes, an hour or a day.

One row a moment and one column a sensor, whether it is a single moment or months, so that rules see the past exactly
as they would have seen it then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.places import Floats, Places
from alerting.conditions.statements import statement
from schema.alerting.rules import Level
from schema.rollups import DAY, FIVE_MINUTES, HOUR

FRESH: Final = timedelta(minutes=15)
"""A newest reading that is older tells nothing about now."""
SETTLED: Final = timedelta(seconds=30)
"""A bucket counts as full once it has been over for so long: its last readings have come by then."""
WIDTHS: Final[Mapping[Level, timedelta]] = {"now": FIVE_MINUTES, "5m": FIVE_MINUTES, "1h": HOUR, "1d": DAY}
"""Of the buckets that a level is about; past moments of `now` are those of 5 minutes."""

_RELATIONS: Final = {FIVE_MINUTES: "readings_5m", HOUR: "readings_1h", DAY: "readings_1d"}
_MEASURES: Final = ("speed_kmh", "volume_vph", "occupancy", "travel_time_s")
_BUCKET: Final = np.dtype([("sensor", ">i4"), *((name, ">f8") for name in _MEASURES)])
_NEWEST: Final = np.dtype([("sensor", ">i4"), ("age_s", ">f8"), *((name, ">f8") for name in _MEASURES)])
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Levels:
    """`at` is each row's time: of `now` the moment itself, else the start of the bucket; NaN is no data."""

    at: tuple[datetime, ...]
    speed_kmh: Floats
    volume_vph: Floats
    occupancy: Floats
    travel_time_s: Floats

    @classmethod
    def empty(cls, at: tuple[datetime, ...], places: Places) -> "Levels":
        """Without any data."""
        return cls(at, *(np.full((len(at), len(places.sensors)), np.nan) for _ in _MEASURES))

    def fill(self, row: int, packed: NDArray[np.void], places: Places) -> None:
        """Put what was read of a moment in its row; sensors that came since `places` were read are left out."""
        packed = packed[places.knows(packed["sensor"])]
        columns = places.of_ids(packed["sensor"])
        for name in _MEASURES:
            getattr(self, name)[row, columns] = packed[name]


@dataclass(frozen=True)
class Newest:
    """The newest good readings, and how old each is in seconds; NaN of sensors that have never had one."""

    levels: Levels
    age_s: Floats


async def newest(connection: AsyncConnection, context: Context, places: Places) -> Newest:
    """What every sensor said last, however long ago."""
    return await context.once("newest", lambda: _read_newest(connection, context, places))


async def _read_newest(connection: AsyncConnection, context: Context, places: Places) -> Newest:
    packed = (await connection.execute(statement("newest"), {"now": context.now})).scalar() or b""
    rows = np.frombuffer(packed, _NEWEST)
    levels = Levels.empty((context.now,), places)
    levels.fill(0, rows, places)
    rows = rows[places.knows(rows["sensor"])]
    age_s = np.full(len(places.sensors), np.nan)
    age_s[places.of_ids(rows["sensor"])] = rows["age_s"]
    return Newest(levels, age_s)


async def fresh(connection: AsyncConnection, context: Context, places: Places, level: Level) -> Levels:
    """What rules of `level` see now: a single row."""
    if level == "now":
        last = await newest(connection, context, places)
        stale = ~(last.age_s <= FRESH.total_seconds())
        return await context.once("fresh", lambda: _without(last.levels, stale))
    start = last_full(level, context.now)

    async def read() -> Levels:
        return await buckets(connection, places, level, start, start + WIDTHS[level])

    return await context.once(("level", level), read)


async def _without(levels: Levels, stale: NDArray[np.bool_]) -> Levels:
    return Levels(levels.at, *(np.where(stale, np.nan, getattr(levels, name)) for name in _MEASURES))


def last_full(level: Level, now: datetime) -> datetime:
    """The start of the newest bucket that is over at `now`."""
    width = WIDTHS[level]
    return _EPOCH + (now - SETTLED - _EPOCH) // width * width - width


async def buckets(
    connection: AsyncConnection, places: Places, level: Level, start: datetime, until: datetime
) -> Levels:
    """The means of all buckets that begin from `start` until before `until`."""
    width = WIDTHS[level]
    first = _EPOCH - (_EPOCH - start) // width * width
    times = tuple(first + number * width for number in range(max(0, -((first - until) // width))))
    levels = Levels.empty(times, places)
    rows = await connection.execute(statement("buckets", _RELATIONS[width]), {"start": first, "until": until})
    for epoch, packed in rows:
        row = (datetime.fromtimestamp(epoch, UTC) - first) // width
        levels.fill(row, np.frombuffer(packed, _BUCKET), places)
    return levels
