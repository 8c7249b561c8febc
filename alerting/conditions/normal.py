"""What is normal: the profiles that the batch job `patterns` makes, by kind of day and quarter of an hour.

Kinds of day are those of the city's own days; public holidays count as Sundays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.places import Floats, Places
from alerting.conditions.statements import statement
from urbanclear.public_holidays import day_type, public_holidays

Quarter = tuple[str, int]
"""A kind of day, and the minute of it at which a quarter of an hour begins."""

QUARTER: Final = timedelta(minutes=15)
_PACKED: Final = np.dtype([("sensor", ">i4"), ("speed_kmh", ">f8"), ("volume_vph", ">f8")])


@dataclass(frozen=True)
class Normal:
    """A row for each quarter that was asked for, in `rows`; NaN where nothing is known."""

    rows: dict[Quarter, int]
    speed_kmh: Floats
    volume_vph: Floats

    def of(self, measure: Literal["speed_kmh", "volume_vph"], quarters: Iterable[tuple[Quarter, ...]]) -> Floats:
        """A row for each of `quarters`: the mean of what is normal in them."""
        known: Floats = getattr(self, measure)
        return np.array([known[[self.rows[quarter] for quarter in several]].mean(axis=0) for several in quarters])


def quarters(start: datetime, width: timedelta, time_zone: str, holidays: str) -> tuple[Quarter, ...]:
    """The quarters of an hour that begin in `width` from `start`, at least the one in which it begins."""
    return tuple(
        quarter_of(start + number * QUARTER, time_zone, holidays) for number in range(max(1, width // QUARTER))
    )


def quarter_of(moment: datetime, time_zone: str, holidays: str) -> Quarter:
    """The one in which `moment` lies."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return day_type(local.date(), public_holidays(holidays)), (local.hour * 60 + local.minute) // 15 * 15


async def normal(connection: AsyncConnection, context: Context, places: Places, asked: Iterable[Quarter]) -> Normal:
    """What is normal in the quarters that are asked for."""
    wanted = tuple(sorted(set(asked)))
    return await context.once(("normal", wanted), lambda: _read(connection, places, wanted))


async def _read(connection: AsyncConnection, places: Places, wanted: tuple[Quarter, ...]) -> Normal:
    shape = (len(wanted), len(places.sensors))
    found = Normal(
        {quarter: row for row, quarter in enumerate(wanted)}, np.full(shape, np.nan), np.full(shape, np.nan)
    )
    values = {"day_types": sorted({kind for kind, _ in wanted}), "minutes": sorted({minute for _, minute in wanted})}
    for kind, minute, packed in await connection.execute(statement("normal"), values):
        row = found.rows.get((kind, minute))
        if row is None:
            continue
        sensors = np.frombuffer(packed, _PACKED)
        sensors = sensors[places.knows(sensors["sensor"])]
        columns = places.of_ids(sensors["sensor"])
        found.speed_kmh[row, columns] = sensors["speed_kmh"]
        found.volume_vph[row, columns] = sensors["volume_vph"]
    return found
