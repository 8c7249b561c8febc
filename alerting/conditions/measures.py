"""A measure of each subject from what its sensors measured.

Of several sensors the mean is weighted by their lengths where all that have data have one, else it is the plain mean.
A ratio is that of such means. A standstill counts as 1.6 km/h in travel times, as in `corridor_travel_times`.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from alerting.conditions.levels import Levels
from alerting.conditions.places import Floats, Places
from alerting.conditions.subjects import Subjects
from schema.alerting.rules import Measure
from schema.views import LEAST_SPEED_KMH


def measured(measure: Measure, levels: Levels, places: Places, subjects: Subjects) -> Floats:
    """A row a moment, a column a subject; NaN where no sensor of it has data."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "travel_time_s" and subjects.by == "corridor":
            return _corridor_travel_time(levels, places, subjects)
        if subjects.by == "sensor":
            return _OF_SENSORS[measure](levels, places)[:, subjects.members]
        if measure in _RATIOS:
            above, below = _RATIOS[measure](levels, places)
            both = ~np.isnan(above) & ~np.isnan(below)
            parts = (_mean(np.where(both, values, np.nan), places, subjects) for values in (above, below))
            return np.divide(*parts)
        values = _OF_SENSORS[measure](levels, places)
        return _mean(values, places, subjects, weighted=measure == "speed_kmh")


def _mean(values: Floats, places: Places, subjects: Subjects, *, weighted: bool = True) -> Floats:
    known = (~np.isnan(values)).astype(np.float64)
    count = subjects.total(known)
    plain = subjects.total(values) / count
    if not weighted:
        return plain
    lengths = known * places.length_m
    everywhere = subjects.total((lengths > 0).astype(np.float64)) == count
    return np.where(everywhere, subjects.total(values * lengths) / subjects.total(lengths), plain)


def _corridor_travel_time(levels: Levels, places: Places, subjects: Subjects) -> Floats:
    """From end to end: links without data take the pace of the others."""
    seconds = places.length_m * 3.6 / _moving(levels)
    with_data = np.where(np.isnan(seconds), np.nan, places.length_m)
    return subjects.total(seconds) * subjects.total(places.length_m[None, :]) / subjects.total(with_data)


def _moving(levels: Levels) -> Floats:
    return np.maximum(levels.speed_kmh, LEAST_SPEED_KMH)


def _travel_time(levels: Levels, places: Places) -> Floats:
    return np.where(np.isnan(levels.travel_time_s), places.length_m * 3.6 / _moving(levels), levels.travel_time_s)


def _ratio(levels: Levels, places: Places) -> tuple[Floats, Floats]:
    return levels.speed_kmh, np.broadcast_to(places.free_flow_kmh, levels.speed_kmh.shape)


def _travel_time_index(levels: Levels, places: Places) -> tuple[Floats, Floats]:
    return 1 / _moving(levels), np.broadcast_to(1 / places.free_flow_kmh, levels.speed_kmh.shape)


_RATIOS: Final[dict[str, Callable[[Levels, Places], tuple[Floats, Floats]]]] = {
    "speed_ratio": _ratio,
    "travel_time_index": _travel_time_index,
}
_OF_SENSORS: Final[dict[str, Callable[[Levels, Places], Floats]]] = {
    "speed_kmh": lambda levels, _: levels.speed_kmh,
    "volume_vph": lambda levels, _: levels.volume_vph,
    "occupancy": lambda levels, _: levels.occupancy,
    "travel_time_s": _travel_time,
    "speed_ratio": lambda levels, places: np.divide(*_ratio(levels, places)).round(3),
    "travel_time_index": lambda levels, places: np.divide(*_travel_time_index(levels, places)),
}
