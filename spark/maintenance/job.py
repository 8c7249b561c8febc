"""The maintenance job: which sensors are likely to fail or fall silent within a week, ranked, with the reason."""

from collections.abc import Iterator
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from schema.tables import maintenance
from spark.calendar import STEP_S
from spark.city import City
from spark.days import Days
from spark.maintenance import health
from spark.maintenance.reasons import Signs, reason
from spark.maintenance.risk import History, last_known, risk_of
from spark.reporting import Reporting
from spark.runs import Result, Run
from spark.series import Look, Series
from urbanclear.errors import ConfigurationError

_COLUMNS: Final = (
    *("sensor_id", "rank", "risk", "reason", "failures", "silent_hours", "stuck_hours", "missing_share"),
    *("last_failure", "days"),
)

_FOUND: Final = (
    "sensor_id int, day int, working double, silences int, stucks int, silent_h double, stuck_h double, "
    "missing double, implausible double, last_failure double, lasts boolean"
)


def compute(run: Run, city: City) -> None:
    """Into `maintenance`, in the place of all that was there.

    Raises `ConfigurationError` where the readings are of less than a day.
    """
    with run.stage("Looking at each sensor's days"):
        feed = city.reporting
        _require_a_day(feed)
        found = city.each(_look(feed), _FOUND).sort_values(["sensor_id", "day"])
    with run.stage("Weighing what they say"):
        history = History.of(found)
        risks, missing = risk_of(history).round(4), last_known(history.missing)
        order = np.lexsort((-missing, -risks))
    of_sensor = dict(iter(found.groupby("sensor_id")))
    ranked = [
        (sensor, rank, float(risks[at]), *_told(of_sensor[sensor], float(missing[at]), history.days, city.days))
        for rank, (at, sensor) in enumerate(zip(order, history.sensors[order].tolist(), strict=True), 1)
    ]
    run.store(Result(maintenance, _COLUMNS, ranked))


def _look(feed: Reporting) -> Look:
    def look(corridors: list[list[Series]]) -> pd.DataFrame:
        found = [
            (series.sensor.id, *astuple(day))
            for corridor in corridors
            for series in corridor
            for day in health.days_of(series, feed)
        ]
        return pd.DataFrame(found, columns=[column.split()[0] for column in _FOUND.split(", ")])

    return look


def _require_a_day(feed: Reporting) -> None:
    if len(feed.shares) < health.STEPS_A_DAY:
        hours = len(feed.shares) * STEP_S / 3600
        raise ConfigurationError(
            f"The readings are of {hours:.1f} hours, and who is to fail shows after a day: choose an earlier "
            f"--from, or run it again later."
        )


def _told(days: pd.DataFrame, missing: float, of: int, calendar: Days) -> Iterator[Any]:
    """The rest of a sensor's row."""
    last = days["last_failure"].max()
    failed_on = None if np.isnan(last) else calendar.date_of(int(last))
    silences, stucks = int(days["silences"].sum()), int(days["stucks"].sum())
    silent_h, stuck_h = float(days["silent_h"].sum()), float(days["stuck_h"].sum())
    signs = Signs(
        days=of,
        silences=silences,
        stucks=stucks,
        hours=silent_h + stuck_h,
        last=failed_on,
        lasts=bool(days["lasts"].any()),
        missing=days["missing"].dropna().tolist(),
        implausible=float(days["implausible"].iloc[0]),
    )
    yield from (reason(signs), silences + stucks, silent_h, stuck_h, missing)
    yield None if failed_on is None else datetime.fromtimestamp(int(last), UTC)
    yield of
