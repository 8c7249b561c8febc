"""The simulated speeds against those that New York's DOT measured in September and October 2017."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pytest

from ingest.sources.simulator.demand import NEW_YORK, Demand
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.vectors import Vector

FILE: Final = Path("nyc/dot_speeds_2017-09-04_2017-10-14_dev.csv.gz")
FAST: Final = ("expressway", "parkway", "bridge", "tunnel")  # what the feed's links are
CONGESTED: Final = 0.6  # of free-flow speed
STANDING: Final = 0.2
MONDAY: Final = datetime(2026, 9, 14, tzinfo=NEW_YORK)
WORKDAYS: Final = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)
WEEKEND: Final = (5, 6, 12, 13, 19, 20)

Measured = dict[tuple[bool, int], Vector]


CITY: Final = Simulator(seed=1)
FREE_FLOW: Final = np.array([sensor.free_flow_speed_kmh or np.nan for sensor in CITY.sensors])


@cache
def ratios_of(day: int) -> list[Vector]:
    """Speed over free-flow speed of all sensors on fast roads, three times in each hour of a day."""
    fast = np.array([link.kind in FAST for link in CITY.links])
    begins = [(MONDAY + timedelta(days=day, hours=hour)).astimezone(UTC) for hour in range(24)]
    times = [[begin + timedelta(minutes=minute) for minute in (0, 20, 40)] for begin in begins]
    return [np.concatenate([(CITY.truth(time).told.speed_kmh / FREE_FLOW)[fast] for time in hour]) for hour in times]


def simulated(days: tuple[int, ...], hour: int) -> Vector:
    return np.concatenate([ratios_of(day)[hour] for day in days])


@pytest.fixture(scope="module")
def measured(shared_data: Path) -> Measured:
    """Speed over each link's 95th percentile, by weekend and hour."""
    columns = ["SPEED", "STATUS", "DATA_AS_OF", "LINK_ID"]
    rows = pd.read_csv(shared_data / FILE, usecols=columns)
    rows = rows[(rows.STATUS == 0) & (rows.SPEED > 0)].copy()
    time = pd.to_datetime(rows.DATA_AS_OF)
    by_link = rows.groupby("LINK_ID").SPEED
    ratio = rows.SPEED / by_link.transform(lambda speeds: speeds.quantile(0.95))
    kept = by_link.transform("count") > 3_000
    groups = ratio[kept].groupby([time.dt.dayofweek >= 5, time.dt.hour])
    return {key: ratios.to_numpy() for key, ratios in groups}  # type: ignore[misc]


@pytest.mark.parametrize("hour", [3, 8, 12, 17, 21])
def test_a_workday_is_as_congested_as_the_real_one(measured: Measured, hour: int) -> None:
    there, here = measured[(False, hour)], simulated(WORKDAYS, hour)
    assert np.median(here) == pytest.approx(np.median(there), abs=0.12)
    assert (here < CONGESTED).mean() == pytest.approx((there < CONGESTED).mean(), abs=0.2)
    assert (here < STANDING).mean() <= (there < STANDING).mean() + 0.03


@pytest.mark.parametrize("hour", [4, 9, 16])
def test_a_weekend_is_as_congested_as_the_real_one(measured: Measured, hour: int) -> None:
    there, here = measured[(True, hour)], simulated(WEEKEND, hour)
    assert np.median(here) == pytest.approx(np.median(there), abs=0.12)
    assert (here < CONGESTED).mean() == pytest.approx((there < CONGESTED).mean(), abs=0.2)


def test_nights_flow_freely_and_peaks_take_half_again_to_two_and_a_half_times_as_long() -> None:
    assert np.median(simulated(WORKDAYS, 3)) > 0.95
    for hour in (8, 17):
        assert 1.3 <= 1 / np.median(simulated(WORKDAYS, hour)) <= 2.5
        assert (simulated(WORKDAYS, hour) < STANDING).mean() < 0.08


def test_the_morning_is_slower_towards_midtown_and_the_evening_away_from_it() -> None:
    inbound = Demand(1, CITY.links).inbound > 0.5
    outbound = Demand(1, CITY.links).inbound < -0.5
    morning, evening = (
        CITY.truth((MONDAY + timedelta(days=1, hours=hour)).astimezone(UTC)).undisturbed.speed_kmh / FREE_FLOW
        for hour in (8.5, 17.5)
    )
    assert morning[inbound].mean() < morning[outbound].mean() - 0.1
    assert evening[outbound].mean() < evening[inbound].mean() - 0.1


def test_a_federal_holiday_is_as_a_sunday_is() -> None:
    demand = Demand(1, CITY.links)
    thanksgiving, sunday, workday = (
        demand.at(np.array([datetime(2026, 11, day, 8, tzinfo=NEW_YORK).timestamp()])).mean() for day in (26, 29, 24)
    )
    assert thanksgiving == pytest.approx(sunday, rel=0.15)
    assert workday > 1.5 * thanksgiving
