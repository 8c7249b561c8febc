"""Rain and incidents are read as they were known, and learned from."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest

from schema.chunks import make_chunks
from schema.engines import engine_of
from spark.forecast import model as models
from spark.forecast import network
from spark.forecast.conditions import Now, conditions_of
from spark.forecast.evaluation import judge
from spark.forecast.frame import STEP_S, Conditions, Frame, clock_s
from spark.forecast.model import Model
from spark.forecast.training import joined, train
from spark.forecast.window import STEP, STEPS_IN, Window
from tests.spark.forecast.towns import A_DAY, town

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 2, 12, tzinfo=NEW_YORK)
SENSORS = ("t:0", "t:1", "t:2")

OBSERVED = "INSERT INTO weather (station, time, precipitation_mm) VALUES (%s, %s, %s)"
INCIDENT = """
    INSERT INTO incidents (id, time, status, kind, severity, started_at, cleared_at, sensors, lanes_blocked)
    VALUES (%(id)s, %(began)s, %(status)s, 'collision', 'high', %(began)s, %(cleared)s, %(sensors)s, %(lanes)s)
"""
UPDATE = "INSERT INTO incident_updates (incident_id, time, status, severity) VALUES (%s, %s, 'reported', 'high')"


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def known(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in ("weather", "incident_updates"):
            make_chunks(connection, engine_of(database_url), table, [NOON])
        yield connection


def report(
    connection: psycopg.Connection[tuple[object, ...]],
    name: str,
    sensors: list[str],
    began: datetime,
    *,
    cleared: datetime | None = None,
    told: datetime | None = None,
    lanes: int | None = None,
) -> None:
    status = "reported" if cleared is None else "cleared"
    row = {"id": name, "status": status, "began": began, "cleared": cleared, "sensors": sensors, "lanes": lanes}
    connection.execute(INCIDENT, row)
    if told:
        connection.execute(UPDATE, (name, told))


def of_the_hour(connection: psycopg.Connection[tuple[object, ...]]) -> Conditions:
    """From noon on by the city's clock."""
    return conditions_of(connection, SENSORS, clock_s(NOON, NEW_YORK) // STEP_S, 12, NEW_YORK)


def test_rain_is_the_stations_mean_and_holds_for_two_hours(
    known: psycopg.Connection[tuple[object, ...]],
) -> None:
    for station, mm in (("a", 1), ("b", 3)):
        known.execute(OBSERVED, (station, NOON + minutes(20), mm))
    known.execute(OBSERVED, ("a", NOON - minutes(90), 6))
    known.execute(OBSERVED, ("a", NOON + minutes(55), None))
    np.testing.assert_array_equal(of_the_hour(known).rain_mm, [6] * 4 + [2] * 8)
    assert Now.of(known, NOON + minutes(30)).rain_mm == 2
    assert np.isnan(Now.of(known, NOON + minutes(60 * 3)).rain_mm)


def test_without_an_observation_rain_is_not_known(known: psycopg.Connection[tuple[object, ...]]) -> None:
    assert np.isnan(of_the_hour(known).rain_mm).all()
    assert np.isnan(Now.of(known, NOON).rain_mm)


def test_an_incident_blocks_from_when_it_was_reported_until_it_was_cleared(
    known: psycopg.Connection[tuple[object, ...]],
) -> None:
    report(known, "ended", ["t:0"], NOON + minutes(10), cleared=NOON + minutes(30), lanes=2)
    report(known, "lasts", ["t:0", "t:2", "t:strange"], NOON - minutes(500), told=NOON + minutes(20))
    report(known, "before", ["t:1"], NOON - minutes(90), cleared=NOON)
    report(known, "later", ["t:1"], NOON + minutes(60), lanes=4)
    found = of_the_hour(known).lanes_blocked
    np.testing.assert_array_equal(found[:, 0], [0, 0, 2, 2, 3, 3] + [1] * 6)
    assert not found[:, 1].any()
    np.testing.assert_array_equal(found[:, 2], [0] * 4 + [1] * 8)
    window = Window(NOON + minutes(25), ("t:2", "t:1", "t:0"), np.full((STEPS_IN, 3), 50, np.float32))
    lanes = Now.of(known, window.end).on(window).lanes_blocked
    assert lanes is not None
    assert lanes.tolist() == [1, 0, 3]


def rainy(frame: Frame, seed: int) -> Frame:
    """Half an hour after it began to rain, and while a lane is blocked, everything is slow."""
    random = np.random.default_rng(seed)
    hours = random.random(len(frame) // 12 + 1) < 0.2
    rain = np.repeat(hours, 12)[: len(frame)].astype(np.float32) * 4
    lanes = np.repeat(random.random((len(hours), len(frame.sensors))) < 0.1, 12, axis=0)[: len(frame)]
    slow = np.roll(rain > 0, 6)[:, None] | np.roll(lanes, 6, axis=0)
    speeds = np.where(slow, frame.speeds_kmh - 30, frame.speeds_kmh)
    return replace(frame, speeds_kmh=speeds, known=Conditions(rain, lanes.astype(np.float32)))


def test_what_rain_and_incidents_bring_is_foretold(quick_training: None) -> None:
    learned, unseen = rainy(town(21), 1), rainy(town(7, first_day=21), 2)
    knowing, blind = (
        train(frame, None, "town", 1, "UTC", None, lambda *_: None)
        for frame in (learned, replace(learned, known=None))
    )
    assert judge(knowing, unseen)["mae_30"] < 0.9 * judge(blind, unseen)["mae_30"]


def test_conditions_that_were_never_seen_change_nothing(model: Model) -> None:
    frame = town(2, first_day=28)
    wet = replace(frame, known=Conditions(np.full(len(frame), 9, np.float32), np.ones_like(frame.speeds_kmh)))
    ends = frame.ends[100:110]
    np.testing.assert_array_equal(model.foretell(wet, ends), model.foretell(frame, ends))


def test_a_window_is_told_with_its_conditions_as_within_its_day(quick_training: None) -> None:
    frame = rainy(town(5), 3)
    trained = train(frame, None, "town", 1, "UTC", None, lambda *_: None)
    end = 2 * A_DAY + int(np.flatnonzero(frame.conditions.rain_mm[2 * A_DAY :])[0])
    window = Window(
        datetime.fromtimestamp(frame.clock_s, ZoneInfo("UTC")) + (end + 1) * STEP,
        frame.sensors,
        frame.speeds_kmh[end + 1 - STEPS_IN : end + 1],
        float(frame.conditions.rain_mm[end]),
        frame.conditions.lanes_blocked[end],
    )
    within = trained.foretell(frame, np.array([end]))[0]
    np.testing.assert_allclose(trained.forecast(window).speed_kmh, within[..., models.MIDDLE], rtol=1e-4)
    dry = trained.forecast(replace(window, rain_mm=0.0))
    assert (np.abs(dry.speed_kmh - within[..., models.MIDDLE]) > 0.1).any()


def test_conditions_stay_with_their_steps_and_sensors() -> None:
    frame = rainy(town(2), 4)
    turned = frame.cut(50, 500).of_sensors(["t:3", "t:new", "t:0"]).conditions
    np.testing.assert_array_equal(turned.rain_mm, frame.conditions.rain_mm[50:500])
    np.testing.assert_array_equal(turned.lanes_blocked[:, [0, 2]], frame.conditions.lanes_blocked[50:500][:, [3, 0]])
    assert np.isnan(turned.lanes_blocked[:, 1]).all()
    again = joined([frame.cut(300, len(frame)), frame.cut(0, 200)]).conditions
    np.testing.assert_array_equal(again.rain_mm[300:], frame.conditions.rain_mm[300:])
    np.testing.assert_array_equal(again.lanes_blocked[:200], frame.conditions.lanes_blocked[:200])
    assert np.isnan(again.rain_mm[200:300]).all()


def test_a_model_that_sees_an_hour_in_another_form_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = pickle.dumps(model)
    assert pickle.loads(kept).name == "town"  # noqa: S301 – it was written two lines above
    monkeypatch.setattr(models, "FORM", models.FORM + 1)
    with pytest.raises(ValueError, match="another form"):
        pickle.loads(kept)  # noqa: S301


def test_a_feature_that_told_nothing_while_it_was_learned_tells_nothing_later() -> None:
    seen = np.column_stack([np.arange(9), np.full(9, 5)]).astype(np.float32)
    centre, scale = network._scales(seen)
    assert network.scaled(np.array([[4, 7]], np.float32), centre, scale).tolist() == [[0, 0]]
