"""Where traffic is measured: every sensor with its labels, its length and its free-flow speed, in one fixed order.

All arrays of this folder have a column for each sensor in that order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.statements import statement
from schema.alerting.rules import Where

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LINES: Final = {
    "area": "areas",
    "road": "roads",
    "corridor": "corridors",
    "cluster": "clusters",
    "sensor": "sensors",
}
"""The line of `where` that is about each label."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor; `labels` leave out what is not known of it."""

    id: int
    external_id: str
    name: str
    labels: Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Places:
    """All sensors; `length_m` and `free_flow_kmh` are NaN where nobody knows, as is `readings_per_hour`."""

    sensors: tuple[Sensor, ...]
    length_m: Floats
    free_flow_kmh: Floats
    readings_per_hour: Floats

    @cached_property
    def columns(self) -> dict[str, int]:
        """The column of each external id."""
        return {sensor.external_id: column for column, sensor in enumerate(self.sensors)}

    @cached_property
    def ids(self) -> Indices:
        return np.array([sensor.id for sensor in self.sensors], np.intp)

    def of_ids(self, ids: NDArray[np.integer]) -> Indices:
        """The columns of sensors by their ids, all of which have to be known."""
        return np.searchsorted(self.ids, ids)

    def knows(self, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which ids are of sensors that were there when these were read."""
        return np.isin(ids, self.ids)

    def that_fit(self, where: Where) -> list[int]:
        """The columns of the sensors that fit each line of `where`."""
        return [column for column, sensor in enumerate(self.sensors) if fits(sensor.labels, where)]


async def places(connection: AsyncConnection, context: Context) -> Places:
    """All sensors as they are described now."""
    return await context.once("places", lambda: _read(connection))


async def _read(connection: AsyncConnection) -> Places:
    rows = (await connection.execute(statement("places"))).all()
    sensors, numbers = [], []
    for id_, external_id, name, area, road, direction, corridor, cluster, *others in rows:
        labels = {
            "sensor": external_id,
            "area": area,
            "road": road,
            "direction": direction,
            "corridor": corridor,
            "cluster": cluster,
            "source": source_of(external_id),
        }
        sensors.append(Sensor(id_, external_id, name, {label: text for label, text in labels.items() if text}))
        numbers.append(others)
    length, free_flow, per_hour = np.array(numbers, np.float64).reshape(len(sensors), 3).T
    return Places(tuple(sensors), length, np.where(free_flow > 0, free_flow, np.nan), per_hour)


def fits(labels: Mapping[str, str | list[str]], where: Where) -> bool:
    """Whether what has these labels fits each line of `where` that is there; of several values one is enough."""
    for label, line in LINES.items():
        wanted: tuple[str, ...] = getattr(where, line)
        if wanted:
            value = labels.get(label, "")
            if not any(one in wanted for one in ([value] if isinstance(value, str) else value)):
                return False
    return True


def source_of(external_id: str) -> str:
    """Whose sensor it is."""
    return external_id.partition(":")[0]
