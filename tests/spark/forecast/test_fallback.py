"""What is said without a model: what is normal, and where that is not known, that it goes on as it is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb

from spark.calendar import Calendar
from spark.forecast.fallback import Chain, LastValue, Profile
from spark.forecast.window import COVERAGE, HORIZONS, STEPS_IN, Window
from tests.spark.forecast.models import Level

MONDAY = datetime(2026, 3, 2, 7, 50, tzinfo=UTC)
CALENDAR = Calendar("UTC", "US")
NAN = float("nan")


def window(end: datetime, **newest: list[float]) -> Window:
    """Each sensor's newest steps."""
    speeds = np.full((STEPS_IN, len(newest)), np.nan, np.float32)
    for column, steps in enumerate(newest.values()):
        speeds[STEPS_IN - len(steps) :, column] = steps
    return Window(end, tuple(newest), speeds)


def add_profiles(url: str, normal: Mapping[tuple[str, str, int], tuple[float, float, float]]) -> None:
    """Speed, lower and upper by sensor, kind of day and minute, as the job `patterns` leaves them."""
    columns = "id, job, status, ended_at, parameters, code_version"
    run = f"INSERT INTO spark_runs ({columns}) VALUES (%s, %s, %s, now(), %s, %s)".encode()
    sensor_row = "INSERT INTO sensors (external_id, name) VALUES (%s, '') ON CONFLICT DO NOTHING"
    row = "INSERT INTO profiles VALUES ('sensor', %s, %s, %s, %s, %s, %s, NULL, 20, 'patterns-1')"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(run, ("patterns-1", "patterns", "succeeded", Jsonb({}), "1"))
        for sensor in sorted({sensor for sensor, _, _ in normal}):
            connection.execute(sensor_row, [sensor])
        for key, speeds in normal.items():
            connection.execute(row, (*key, *speeds))


@pytest.fixture
def profile(database_url: str) -> Profile:
    normal = {("a", "weekday", minute): (50.0, 40.0, 55.0) for minute in (465, 480, 495)}
    normal |= {("a", "weekday", minute): (30.0, 2.0, 35.0) for minute in (510, 525)}
    normal |= {("a", "sunday", 480): (90.0, 80.0, 95.0)}
    add_profiles(database_url, normal)
    with psycopg.connect(database_url, autocommit=True) as connection:
        return Profile.of(connection, CALENDAR)


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_a_profile_is_read_at_the_quarter_of_an_hour_in_which_each_step_lies(profile: Profile) -> None:
    found = profile.forecast(window(MONDAY, b=[1], a=[50]))
    assert found.speed_kmh[1].tolist() == [50] * 8 + [30] * 4  # from 8:30 on
    assert np.isnan(found.speed_kmh[0]).all()
    assert found.models == ("profile", "profile")


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_what_is_slower_than_normal_has_gone_half_of_the_way_back_after_half_an_hour(profile: Profile) -> None:
    found, normal = (profile.forecast(window(MONDAY, a=[speed])) for speed in (10, 50))
    assert found.speed_kmh[0, [5, 11]].tolist() == [50 - 40 / 2, 30 - 40 / 4]
    np.testing.assert_allclose(found.upper_kmh - found.speed_kmh, normal.upper_kmh - normal.speed_kmh, rtol=1e-4)
    assert (np.diff(found.speed_kmh[0, :8]) > 0).all()


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_its_interval_is_wider_than_eight_days_in_ten_and_never_below_zero(profile: Profile) -> None:
    found = profile.forecast(window(MONDAY, a=[50]))
    assert found.lower_kmh[0, 0] == pytest.approx(50 - 10 * 1.283, abs=0.01)
    assert found.upper_kmh[0, 0] == pytest.approx(50 + 5 * 1.283, abs=0.01)
    assert found.lower_kmh[0, -1] == 0


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_a_holiday_is_a_sunday(profile: Profile) -> None:
    memorial_day = datetime(2026, 5, 25, 8, tzinfo=UTC)
    assert profile.forecast(window(memorial_day, a=[10])).speed_kmh[0, :3].tolist() == [90] * 3


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_without_a_run_of_the_job_no_sensor_has_a_profile(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = Profile.of(connection, CALENDAR).forecast(window(MONDAY, a=[10]))
    assert np.isnan(found.speed_kmh).all()


def test_the_last_value_is_the_newest_that_was_measured() -> None:
    found = LastValue().forecast(window(MONDAY, a=[40, 30, NAN, NAN], b=[20.0], c=[]))
    assert found.speed_kmh[:, 0].tolist()[:2] == [30, 20]
    assert np.isnan(found.speed_kmh[2]).all()
    assert found.speed_kmh.shape == (3, HORIZONS)


def test_the_last_value_has_no_interval_where_little_was_measured() -> None:
    found = LastValue().forecast(window(MONDAY, a=[40, 30]))
    assert np.isnan(found.lower_kmh).all()
    assert np.isnan(found.upper_kmh).all()


def test_the_last_values_interval_covers_as_many_as_it_says_of_speeds_that_go_on_as_they_did() -> None:
    random = np.random.default_rng(7)
    walks = 60 + np.cumsum(random.normal(0, 3, (STEPS_IN + HORIZONS, 400)), axis=0).astype(np.float32)
    sensors = tuple(f"s{number}" for number in range(400))
    found = LastValue().forecast(Window(MONDAY, sensors, walks[:STEPS_IN]))
    then = walks[STEPS_IN:].T
    inside = ((found.lower_kmh <= then) & (then <= found.upper_kmh)).mean(axis=0)
    assert inside == pytest.approx([COVERAGE] * HORIZONS, abs=0.06)


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_each_sensor_is_told_by_the_first_that_knows_it_and_named_after_it(profile: Profile) -> None:
    class OfOne(Level):
        """Knows sensor `m` alone."""

        def forecast(self, window):  # type: ignore[no-untyped-def]
            found = super().forecast(window)
            found.speed_kmh[[sensor != "m" for sensor in window.sensors]] = np.nan
            return found

    chain = Chain([OfOne("ours", 70), profile, LastValue()])
    found = chain.forecast(window(MONDAY, a=[50], m=[20], z=[30], silent=[]))
    assert found.models[:3] == ("profile", "ours", "last-value")
    assert found.speed_kmh[:3, 0].tolist() == [50, 70, 30]
    assert found.lower_kmh[1, 0] == 65
    assert np.isnan(found.speed_kmh[3]).all()
    assert chain.name == "ours"


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_a_profile_that_ends_within_the_hour_leaves_the_sensor_to_the_last_value(profile: Profile) -> None:
    found = Chain([profile, LastValue()]).forecast(window(MONDAY + timedelta(minutes=30), a=[10]))
    assert (found.models, found.speed_kmh[0, 0]) == (("last-value",), 10)
