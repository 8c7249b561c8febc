"""The patterns job: profiles, rush hours and seasonality of every sensor, area and road, from means of a quarter of
an hour.

Of an area or a road it is the mean over its sensors, each of which counts the same: workers add up what they have of
one, and the rest is done where the parts come together. A sensor's pattern is found where its series is.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from schema.tables import profiles, seasonality
from spark.calendar import QUARTERS
from spark.city import City
from spark.days import Days
from spark.patterns.profiles import Profile, profile
from spark.patterns.rush_hours import rush_hours
from spark.patterns.seasonality import strengths
from spark.runs import Result, Run
from spark.series import Look, Series

SUBJECT: Final = ("subject_kind", "subject")
GROUPS: Final = ("area", "road")
_PROFILE: Final = (*SUBJECT, "day_type", "minute", "lower_kmh", "speed_kmh", "upper_kmh", "volume_vph", "days")
_SEASONALITY: Final = (*SUBJECT, "daily_strength", "weekly_strength", "rush_hours")
_FOUND: Final = (
    "subject_kind string, subject string, profile array<double>, daily double, weekly double, sums array<double>, "
    "counts array<double>"
)
_OF_SENSORS: Final = ("subject", "profile", "daily", "weekly")
_COLUMNS: Final = ("subject_kind", *_OF_SENSORS, "sums", "counts")


def compute(run: Run, city: City) -> None:
    """Into `profiles` and `seasonality`."""
    with run.stage("Profiles and seasonality"):
        found = city.each(_patterns(city.days), _FOUND)
        patterns = [*_of_sensors(found), *_of_groups(found, city.days)]
    with run.stage("Rush hours"):
        rows = [(*subject, *row) for subject, known, _ in patterns for row in known.rows()]
        seasons = [(*subject, *strong, rush_hours(known.speed)) for subject, known, strong in patterns]
    run.store(Result(profiles, _PROFILE, rows))
    run.store(Result(seasonality, _SEASONALITY, seasons))


Pattern = tuple[tuple[str, str], Profile, tuple[float | None, float | None]]


def pattern(quarters: np.ndarray, days: Days) -> tuple[Profile, tuple[float | None, float | None]]:
    """The profile and the strengths of speeds and volumes, each a row a day."""
    return profile(quarters, days.kinds), strengths(quarters[0], days.weekdays)


def _patterns(days: Days) -> Look:
    """The pattern of each sensor; sums and counts of each area and road."""

    def look(corridors: list[list[Series]]) -> pd.DataFrame:
        found: list[tuple[Any, ...]] = []
        groups: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
        for series in (series for corridor in corridors for series in corridor):
            quarters = days.quarters(series)
            known, strong = pattern(quarters, days)
            found.append(("sensor", series.sensor.sensor, known.flat(), *strong, None, None))
            for kind in GROUPS:
                if name := getattr(series.sensor, kind):
                    _add(groups[kind, name], quarters)
        found += [
            (*subject, None, None, None, sums.ravel(), counts.ravel()) for subject, (sums, counts) in groups.items()
        ]
        return pd.DataFrame(found, columns=_COLUMNS)

    return look


def _add(group: list[np.ndarray], quarters: np.ndarray) -> None:
    known = ~np.isnan(quarters)
    if not group:
        group += [np.zeros(quarters.shape), np.zeros(quarters.shape)]
    group[0] += np.where(known, quarters, 0)
    group[1] += known


def _of_sensors(found: pd.DataFrame) -> Iterator[Pattern]:
    told = found[found["subject_kind"] == "sensor"].sort_values("subject")
    for name, flat, *strong in zip(*(told[column] for column in _OF_SENSORS), strict=True):
        daily, weekly = (None if np.isnan(value) else value for value in strong)
        yield ("sensor", name), Profile.of(flat), (daily, weekly)


def _of_groups(found: pd.DataFrame, days: Days) -> Iterator[Pattern]:
    told = found[found["subject_kind"] != "sensor"]
    for (kind, name), parts in told.groupby(list(SUBJECT)):
        sums, counts = (np.sum(parts[added].tolist(), axis=0) for added in ("sums", "counts"))
        means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        yield (str(kind), str(name)), *pattern(means.reshape(2, len(days.kinds), len(QUARTERS)), days)
