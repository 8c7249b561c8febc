"""What a rule watches: each sensor by itself, or sensors gathered by area, corridor, cluster or source, or the city.

Arrays with a column for each sensor become arrays with a column for each subject here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from alerting.conditions.places import Floats, Indices, Places
from alerting.observation import Observation
from schema.alerting.rules import By, Where

Gathered = By | Literal["source"]
CITY: Final = "city"
_SHARED: Final[Mapping[str, tuple[str, ...]]] = {
    "area": ("source",),
    "corridor": ("road", "direction", "area", "source"),
    "cluster": ("source",),
    "source": (),
    CITY: (),
}


@dataclass(frozen=True)
class Subject:
    """One of them, as it is called, and its labels."""

    key: str
    name: str
    labels: Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Subjects:
    """Each subject's sensors are `members[starts[n]:starts[n + 1]]`."""

    by: Gathered
    each: tuple[Subject, ...]
    members: Indices
    starts: Indices

    def total(self, values: Floats) -> Floats:
        """The sum over each subject's sensors of a value a sensor, row by row; NaN counts as nothing."""
        if not self.each:
            return np.empty((len(values), 0))
        return np.add.reduceat(np.nan_to_num(values[:, self.members], nan=0.0), self.starts, axis=1)

    def least(self, values: Floats) -> Floats:
        """The least over each subject's sensors, row by row; infinity where there is none."""
        if not self.each:
            return np.empty((len(values), 0))
        known = np.where(np.isnan(values), np.inf, values)[:, self.members]
        return np.minimum.reduceat(known, self.starts, axis=1)

    def observed(self, values: Floats) -> list[Observation]:
        """One value a subject as observations; NaN is no data."""
        numbers = values.tolist()
        return [
            Observation(subject.key, subject.name, None if number != number else number, subject.labels)
            for subject, number in zip(self.each, numbers, strict=True)
        ]


def subjects(places: Places, by: Gathered, where: Where) -> Subjects:
    """Those that have a sensor that fits `where`; of a subject only the sensors that fit count."""
    columns = places.that_fit(where)
    if by == "sensor":
        sensors = [places.sensors[column] for column in columns]
        each = tuple(Subject(sensor.external_id, sensor.name, sensor.labels) for sensor in sensors)
        return Subjects(by, each, np.array(columns, np.intp), np.arange(len(columns), dtype=np.intp))
    groups: dict[str, list[int]] = {}
    for column in columns:
        key = CITY if by == CITY else places.sensors[column].labels.get(by)
        if isinstance(key, str):
            groups.setdefault(key, []).append(column)
    each = tuple(_gathered(places, by, key, columns) for key, columns in groups.items())
    sizes = [len(columns) for columns in groups.values()]
    members = [column for columns in groups.values() for column in columns]
    starts = np.cumsum([0, *sizes], dtype=np.intp)[:-1]
    return Subjects(by, each, np.array(members, np.intp), starts)


def _gathered(places: Places, by: Gathered, key: str, columns: list[int]) -> Subject:
    labels: dict[str, str | list[str]] = {by: key}
    for label in _SHARED[by]:
        values = sorted({str(places.sensors[c].labels[label]) for c in columns if label in places.sensors[c].labels})
        if values:
            labels[label] = values[0] if len(values) == 1 else values
    return Subject(key, "the city" if by == CITY else key, labels)
