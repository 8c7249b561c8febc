"""How well forecasts came true is what a computation by hand from the stored rows says, also of late readings."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from alembic import command
from prometheus_client import REGISTRY
from psycopg import sql

from schema.check import find_drift
from schema.chunks import make_chunks
from schema.dialect import connectable
from schema.engines import engine_of
from schema.measures.forecasts import AGAIN_AFTER, score_forecasts
from schema.retention import Retention
from schema.rollups import FIVE_MINUTES, Flag
from schema.upgrade import _config, upgrade
from schema.upkeep import Upkeep
from tests.schema.city import City, Reading, city_at, every_5_minutes
from urbanclear.settings import RETENTIONS, Settings

NEW_YORK = ZoneInfo("America/New_York")
#: Shortly before midnight in New York, so that two of its days are met; the first is a public holiday.
START = datetime(2025, 11, 12, 2, tzinfo=UTC)
NOON = datetime(2025, 11, 12, 12, tzinfo=UTC)
KEPT: dict[str, None] = dict.fromkeys(RETENTIONS)
NEW_YORKS = Settings.model_validate({"time_zone": "America/New_York", "holidays": "US", **KEPT})


class Prediction(NamedTuple):
    """A row of `predictions`."""

    sensor_id: int
    time: datetime
    made_at: datetime
    speed_kmh: float
    lower_kmh: float | None = None
    upper_kmh: float | None = None
    model: str = "m1"


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with city_at(database_url) as made:
        yield made


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


async def predict(city: City, *rows: Prediction) -> None:
    for day in {row.time.date() for row in rows}:
        await city.chunks("predictions", at=datetime.combine(day, datetime.min.time(), UTC))
    columns = sql.SQL(", ").join(map(sql.Identifier, Prediction._fields))
    copying = sql.SQL("COPY predictions ({}) FROM STDIN").format(columns)
    async with city.connection.cursor() as cursor, cursor.copy(copying) as writing:
        for row in rows:
            await writing.write_row(row)


async def pass_time(city: City) -> None:
    """As though what was scored had been scored long enough ago to be looked at again."""
    await city.connection.execute("UPDATE measures.forecast_hours SET scored_at = scored_at - %s", [AGAIN_AFTER * 2])


async def skill(city: City) -> dict[tuple[date, str, int], dict[str, Any]]:
    rows = await city.rows("SELECT * FROM forecast_skill")
    return {(row.pop("day"), row.pop("model"), row.pop("horizon_minutes")): row for row in rows}


@dataclass(frozen=True)
class World:
    """What was measured and foretold, drawn at random."""

    speeds: dict[tuple[int, datetime], float]
    profiles: dict[tuple[int, str, int], float]
    predictions: list[Prediction]

    def expected(self) -> dict[tuple[date, str, int], dict[str, Any]]:
        """The skill by the definitions, one prediction after the other."""
        found: dict[tuple[date, str, int], list[tuple[float, ...]]] = {}
        for row in self.predictions:
            bucket = floor(row.time) - FIVE_MINUTES
            measured = self.speeds.get((row.sensor_id, bucket))
            if measured is None or row.time != floor(row.time):  # the 5 minutes that end then are no bucket
                continue
            local = bucket.astimezone(NEW_YORK)
            kind = "sunday" if local.date() == date(2025, 11, 11) else "weekday"
            quarter = (local.hour * 60 + local.minute) // 15 * 15
            nan, low, high = float("nan"), row.lower_kmh, row.upper_kmh
            last = self.speeds.get((row.sensor_id, floor(row.made_at) - FIVE_MINUTES), nan)
            normal = self.profiles.get((row.sensor_id, kind, quarter), nan)
            inside, width = (nan, nan) if low is None or high is None else (low <= measured <= high, high - low)
            line = (row.speed_kmh - measured, last - measured, normal - measured, measured, inside, width)
            day = bucket.replace(minute=0).astimezone(NEW_YORK).date()
            horizon = round((row.time - row.made_at) / minutes(1))
            found.setdefault((day, row.model, horizon), []).append(line)
        return {key: told(np.array(lines).T) for key, lines in found.items()}


def told(lines: np.ndarray) -> dict[str, Any]:
    error, last, normal, measured, inside, width = lines
    moving, known = measured > 0, ~np.isnan(last)
    return {
        "predictions": len(error),
        "mae_kmh": mean(np.abs(error)),
        "rmse_kmh": near(float(np.sqrt(np.mean(error**2)))),
        "mape_percent": mean(100 * np.abs(error[moving]) / measured[moving]),
        "persistence_mae_kmh": mean(np.abs(last)),
        "profile_mae_kmh": mean(np.abs(normal)),
        "skill": near(1 - float(np.abs(error[known]).sum() / np.abs(last[known]).sum())) if known.any() else None,
        "coverage": mean(inside),
        "width_kmh": mean(width),
    }


def mean(values: np.ndarray) -> Any:
    return None if np.isnan(values).all() else near(float(np.nanmean(values)))


def near(value: float) -> Any:
    return pytest.approx(value, rel=1e-5, abs=1e-6)


def floor(time: datetime) -> datetime:
    return datetime.fromtimestamp(time.timestamp() // 300 * 300, UTC)


def drawn(sensors: list[int], seed: int) -> World:
    """Seven hours of gappy readings, predictions on and off the grid, with and without an interval, of two models."""
    random = np.random.default_rng(seed)
    steps = [START + number * FIVE_MINUTES for number in range(7 * 12)]
    speeds = {
        (sensor, step): float(np.float32(random.choice([0, random.uniform(1, 110)], p=[0.02, 0.98])))
        for sensor in sensors
        for step in steps
        if random.random() < 0.8
    }
    profiles = {
        (sensor, kind, minute): float(np.float32(random.uniform(20, 100)))
        for sensor in sensors[:-1]
        for kind in ("weekday", "saturday", "sunday")
        for minute in range(0, 24 * 60, 15)
    }
    predictions = []
    for _ in range(4_000):
        step, late = steps[random.integers(len(steps))], timedelta(seconds=int(random.choice([0, 20, 180])))
        made = step + late
        time = made if late > minutes(1) else step
        ahead = minutes(int(random.choice([5, 10, 15, 30, 60, 90])))
        low: float | None
        high: float | None
        low, high = (float(np.float32(value)) for value in sorted(random.uniform(0, 110, 2)))
        speed, model = float(np.float32(random.uniform(0, 110))), str(random.choice(["m1", "m2"]))
        low, high = (low, high) if random.random() < 0.7 else (None, None)
        sensor = sensors[random.integers(len(sensors))]
        predictions.append(Prediction(sensor, time + ahead, made, speed, low, high, model))
    return World(speeds, profiles, list({row[:3]: row for row in predictions}.values()))


async def store(city: City, world: World) -> None:
    await city.read(Reading(sensor, time, speed) for (sensor, time), speed in world.speeds.items())
    await city.connection.execute(
        "INSERT INTO spark_runs (id, job, status, span_start, span_end, parameters, code_version) "
        "VALUES ('p', 'patterns', 'succeeded', now(), now(), '{}', '0')"
    )
    names = {row["id"]: row["external_id"] for row in await city.rows("SELECT id, external_id FROM sensors")}
    async with city.connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO profiles VALUES ('sensor', %s, %s, %s, %s, 0, 0, NULL, 9, 'p')",
            [(names[sensor], kind, minute, speed) for (sensor, kind, minute), speed in world.profiles.items()],
        )
    await predict(city, *world.predictions)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_kept_skill_is_that_of_a_computation_by_hand(city: City, seed: int) -> None:
    world = drawn([await city.sensor(f"{number}") for number in range(5)], seed)
    await store(city, world)
    assert len(await score_forecasts(city.connection, NEW_YORKS)) >= 7
    expected = world.expected()
    assert {day for day, _, _ in expected} == {date(2025, 11, 11), date(2025, 11, 12)}
    assert await skill(city) == expected


async def test_the_sums_of_all_sensors_are_the_sums_of_each(city: City) -> None:
    await store(city, drawn([await city.sensor(f"{number}") for number in range(5)], 3))
    await score_forecasts(city.connection, NEW_YORKS)
    query = """
        SELECT hour, model, horizon_minutes, sum(predictions) AS n, sum(abs_error) AS error
        FROM measures.forecast_{} GROUP BY 1, 2, 3
    """
    of_sensors, of_all = [
        {(row["hour"], row["model"], row["horizon_minutes"]): (row["n"], near(row["error"])) for row in rows}
        for rows in [await city.rows(query.format(name)) for name in ("scores", "totals")]
    ]
    assert of_sensors == of_all != {}


async def test_a_forecast_is_held_against_the_five_minutes_that_end_at_its_time(city: City) -> None:
    sensor = await city.sensor("a")
    await city.read(every_5_minutes(sensor, NOON - minutes(5), [40, 50, 60, 70]))
    await predict(city, Prediction(sensor, NOON + minutes(10), NOON, 61.0, 55.0, 65.0))
    await score_forecasts(city.connection, NEW_YORKS)
    [row] = (await skill(city)).values()
    assert (row["mae_kmh"], row["persistence_mae_kmh"]) == (1.0, 20.0)
    assert (row["skill"], row["coverage"], row["width_kmh"]) == (near(0.95), 1.0, 10.0)


async def test_each_sensor_is_judged_by_the_last_24_hours_that_were_scored(city: City) -> None:
    near_by, far_off = [await city.sensor(name) for name in ("near", "far")]
    for sensor, error in ((near_by, 1.0), (far_off, -9.0)):
        for day, wrong in ((NOON - timedelta(days=1), 30.0), (NOON, error)):
            await city.read(every_5_minutes(sensor, day - minutes(5), [40, 50, 60]))
            await predict(city, Prediction(sensor, day + minutes(10), day, 60.0 + wrong, 55.0, 65.0))
    await score_forecasts(city.connection, NEW_YORKS)
    rows = await city.rows("SELECT * FROM forecast_skill_by_sensor ORDER BY mae_kmh")
    assert [(row["sensor_id"], row["mae_kmh"], row["coverage"], row["predictions"]) for row in rows] == [
        (near_by, 1.0, 1.0, 1),
        (far_off, 9.0, 1.0, 1),
    ]
    assert [(row["name"], row["persistence_mae_kmh"], row["skill"]) for row in rows] == [
        ("near", 20.0, near(0.95)),
        ("far", 20.0, near(0.55)),
    ]


async def test_a_late_reading_scores_its_hour_anew_and_the_one_it_was_known_to(city: City) -> None:
    sensor = await city.sensor("a")
    await city.read(every_5_minutes(sensor, NOON, [50.0] * 6))
    made = NOON + minutes(55)
    await predict(city, *(Prediction(sensor, made + ahead, made, 44.0) for ahead in (minutes(5), minutes(60))))
    assert await score_forecasts(city.connection, NEW_YORKS) == [NOON, NOON + minutes(60)]
    assert await skill(city) == {}
    await city.read([Reading(sensor, NOON + minutes(110), 48.0)])
    assert await score_forecasts(city.connection, NEW_YORKS) == []  # a moment ago
    await pass_time(city)
    await score_forecasts(city.connection, NEW_YORKS)
    [row] = (await skill(city)).values()
    assert (row["mae_kmh"], row["persistence_mae_kmh"], row["skill"]) == (4.0, None, None)
    await pass_time(city)
    await city.read([Reading(sensor, NOON + minutes(50), 58.0), Reading(sensor, NOON + minutes(55), 45.0)])
    await score_forecasts(city.connection, NEW_YORKS)
    found = {horizon: row for (_, _, horizon), row in (await skill(city)).items()}
    assert (found[5]["mae_kmh"], found[5]["persistence_mae_kmh"]) == (1.0, 13.0)
    assert (found[60]["mae_kmh"], found[60]["persistence_mae_kmh"]) == (4.0, 10.0)
    await pass_time(city)
    assert await score_forecasts(city.connection, NEW_YORKS) == []


async def test_a_reading_flagged_later_is_no_longer_what_was_measured(city: City) -> None:
    sensor = await city.sensor("a")
    await city.read(every_5_minutes(sensor, NOON, [50.0, 50.0]))
    await predict(city, Prediction(sensor, NOON + minutes(10), NOON, 44.0))
    await score_forecasts(city.connection, NEW_YORKS)
    assert len(await skill(city)) == 1
    await city.connection.execute("UPDATE readings SET flag = %s", [Flag.IMPLAUSIBLE])
    await city.read([Reading(sensor, NOON - minutes(60), 50.0)])
    await city.engine.recompute(city.connection, NOON, NOON + minutes(10), Retention())
    await pass_time(city)
    await score_forecasts(city.connection, NEW_YORKS)
    assert await skill(city) == {}


async def test_forecasts_that_come_late_or_go_are_scored_anew(city: City) -> None:
    sensor = await city.sensor("a")
    await city.read(every_5_minutes(sensor, NOON, [50.0] * 6))
    for number, ahead in enumerate((minutes(10), minutes(20)), 1):
        await predict(city, Prediction(sensor, NOON + ahead, NOON, 44.0))
        await score_forecasts(city.connection, NEW_YORKS)
        assert len(await skill(city)) == number
        await pass_time(city)
    await city.connection.execute("UPDATE predictions SET speed_kmh = 48")
    await score_forecasts(city.connection, NEW_YORKS)
    assert {row["mae_kmh"] for row in (await skill(city)).values()} == {2.0}
    await pass_time(city)
    await city.connection.execute("DELETE FROM predictions")
    await score_forecasts(city.connection, NEW_YORKS)
    assert await skill(city) == {}


async def test_what_lies_ahead_and_a_bucket_that_is_not_over_are_not_scored(city: City) -> None:
    sensor, now = await city.sensor("a"), floor(datetime.now(UTC))
    await city.read(every_5_minutes(sensor, now - minutes(60), [50.0] * 13))
    made, ahead = now - minutes(60), (-minutes(5), minutes(5), minutes(65))
    await predict(city, *(Prediction(sensor, now + late, made, 44.0) for late in ahead))
    await score_forecasts(city.connection, NEW_YORKS)
    assert {horizon for _, _, horizon in await skill(city)} == {55}
    assert await city.rows("SELECT * FROM measures.forecast_hours WHERE hour > now() AND scored_at IS NOT NULL") == []


async def test_scores_of_sensors_are_kept_as_long_as_readings_and_the_citys_for_ever(city: City) -> None:
    sensor = await city.sensor("a")
    await city.read(every_5_minutes(sensor, NOON, [50.0] * 6))
    await predict(city, Prediction(sensor, NOON + minutes(10), NOON, 44.0))
    await score_forecasts(city.connection, NEW_YORKS)
    before = await skill(city)
    await city.connection.execute("UPDATE measures.forecast_hours SET hour = hour - interval '40 days'")
    await city.connection.execute("UPDATE measures.forecast_scores SET hour = hour - interval '40 days'")
    limited = NEW_YORKS.model_copy(update={"readings_retention": timedelta(days=30)})
    await score_forecasts(city.connection, limited)
    assert await city.rows("SELECT * FROM measures.forecast_scores") == []
    assert await skill(city) == before != {}


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_forecasts_go_after_a_while_and_how_good_they_were_stays(city: City) -> None:
    sensor = await city.sensor("a")
    await city.read([Reading(sensor, NOON, 50.0)])
    await predict(city, Prediction(sensor, NOON + minutes(5), NOON, 44.0))
    await score_forecasts(city.connection, NEW_YORKS)
    dropped = await city.engine.retire(city.connection, Retention(predictions=timedelta(days=2)))
    assert dropped == ["predictions_20251112"]
    assert len(await skill(city)) == 1


async def test_prometheus_is_told_how_good_the_last_days_forecasts_were(city: City, database_url: str) -> None:
    sensor, made = await city.sensor("a"), floor(datetime.now(UTC)) - minutes(60)
    await city.read(every_5_minutes(sensor, made - minutes(5), [40.0] + [50.0] * 6))
    await predict(city, Prediction(sensor, made + minutes(15), made, 47.0, 45.0, 55.0, "level-1"))
    await Upkeep(Settings.model_validate({"database_url": database_url})).once()
    labels = {"model": "level-1", "horizon_minutes": "15"}
    names = ("forecast_error_kmh", "forecast_persistence_error_kmh", "forecast_coverage")
    assert [REGISTRY.get_sample_value(f"urbanclear_schema_{name}", labels) for name in names] == [3.0, 10.0, 1.0]


async def test_a_lost_trigger_is_found_by_the_check(city: City, database_url: str) -> None:
    keeping = Settings.model_validate(KEPT)
    assert find_drift(database_url, keeping) == []
    await city.connection.execute("DROP TRIGGER forecasts_by_insert ON predictions")
    assert find_drift(database_url, keeping) == ["trigger forecasts_by_insert on predictions is missing or off"]


async def test_forecasts_from_before_the_upgrade_are_scored(empty_database_url: str) -> None:
    engine = engine_of(empty_database_url)
    with connectable(empty_database_url).begin() as connection:
        engine.prepare(connection)
        command.upgrade(_config(connection), "0009")
    with psycopg.connect(empty_database_url, autocommit=True) as plain:
        make_chunks(plain, engine, "predictions", {NOON})
        values = (NOON + minutes(10), NOON)
        plain.execute("INSERT INTO predictions VALUES (1, %s, %s, 44, NULL, NULL, 'm1')", values)
    upgrade(empty_database_url)
    async with city_at(empty_database_url) as city:
        assert await city.sensor("a") == 1
        await city.read([Reading(1, NOON + minutes(5), 50.0)])
        assert await score_forecasts(city.connection, NEW_YORKS) == [NOON]
        assert len(await skill(city)) == 1
