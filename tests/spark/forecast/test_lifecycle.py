"""Models of a city: from its readings to the one in place."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from schema.database import database_url
from spark.forecast.backtest import backtest
from spark.forecast.evaluation import judge
from spark.forecast.frame import Frame
from spark.forecast.lifecycle import City, score, to_score, train_and_promote
from spark.forecast.model import Model
from spark.forecast.reading import frame_of
from spark.forecast.registry import Registry
from spark.forecast.roads import FEW_LINKS, near_on_roads
from spark.forecast.training import train
from spark.sources.source import source_of
from spark.spans import Span
from tests.spark.forecast.streets import draw, line
from tests.spark.forecast.towns import A_DAY, MONDAY, town
from tests.spark.shapes import DAYS, MIDNIGHT, SENSORS, sensors
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

SPAN = Span(MIDNIGHT, MIDNIGHT + timedelta(days=DAYS))
TOWN = Span(MONDAY, MONDAY + timedelta(days=14))
QUICKLY = "from spark.forecast import network; network.BATCHES = 60; from urbanclear.cli import main; main()"


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Iterator[Registry]:
    with Registry.of(settings.model_copy(update={"models_dir": tmp_path / "models"})) as found:
        yield found


def silent(*_: object) -> None:
    """Of nothing."""


def town_city(frame: Frame) -> City:
    return City(frame, TOWN, 7, "UTC", "DE")


def test_a_city_is_read_by_its_own_clock_with_its_holidays(
    city: str, settings: Settings, session: SparkSession
) -> None:
    source = source_of("database", settings).open(session)
    frame = frame_of(database_url(settings), source, SPAN, "UTC", "DE")
    later = frame_of(database_url(settings), source, SPAN, "Europe/Berlin", "DE")
    assert frame.speeds_kmh.shape == (DAYS * A_DAY, SENSORS)
    assert (frame.first, later.first) == (MIDNIGHT.replace(tzinfo=None), MIDNIGHT.replace(tzinfo=None, hour=1))
    np.testing.assert_array_equal(frame.speeds_kmh, later.speeds_kmh)
    flat = frame.speeds_kmh[:, frame.sensors.index("t:flat-16")]
    assert np.nanmean(flat) == pytest.approx(40 + 5 * 16, rel=0.01)
    with pytest.raises(ConfigurationError, match="There are no speeds from 2026-01-01"):
        frame_of(
            database_url(settings),
            source,
            Span(MONDAY - timedelta(days=60), MONDAY - timedelta(days=59)),
            "UTC",
            "DE",
        )


def test_the_hour_that_a_clock_repeats_is_one_and_the_one_it_skips_is_empty(
    city: str, settings: Settings, session: SparkSession
) -> None:
    source = source_of("database", settings).open(session)
    frame = frame_of(database_url(settings), source, SPAN, "America/New_York", "US-NY")  # skips 2 o'clock on 8 March
    skipped = frame.clock_s + np.arange(len(frame)) * 300
    is_skipped = (skipped >= int((MONDAY + timedelta(days=6, hours=2)).timestamp())) & (
        skipped < int((MONDAY + timedelta(days=6, hours=3)).timestamp())
    )
    assert is_skipped.sum() == 12
    assert np.isnan(frame.speeds_kmh[is_skipped]).all()
    assert np.isfinite(frame.speeds_kmh[~is_skipped]).mean() > 0.95


def test_the_first_model_is_put_in_place_and_a_worse_one_is_not(registry: Registry, quick_training: None) -> None:
    good = train_and_promote(registry, town_city(town(14)), 1, silent)
    assert (good.entry.state, good.against) == ("in_place", None)
    assert good.entry.metrics["horizons"]["15"]["mae_kmh"] == good.skill["mae_15"]
    shifted = replace(town(14), speeds_kmh=np.roll(town(14).speeds_kmh, A_DAY // 2, axis=0))
    shifted.speeds_kmh[7 * A_DAY :] = town(14).speeds_kmh[7 * A_DAY :]
    worse = train_and_promote(registry, town_city(shifted), 1, silent)
    assert worse.entry.state == "candidate"
    assert worse.against is not None
    assert worse.entry.name in worse.against
    assert worse.evidence.in_place_mae is not None
    assert worse.evidence.new_mae > worse.evidence.in_place_mae
    in_place = registry.in_place()
    assert in_place is not None
    assert in_place.name == good.entry.name


def test_a_model_is_scored_on_days_it_has_not_seen_alone(registry: Registry, quick_training: None) -> None:
    with pytest.raises(ConfigurationError, match="No model is in place: train one"):
        to_score(registry, None)
    made = train_and_promote(registry, town_city(town(14)), 1, silent)
    again = score(registry, town_city(town(14)), to_score(registry, None))
    assert again.skill["mae_30"] == made.skill["mae_30"]
    longer = City(town(14), TOWN, 8, "UTC", "DE")
    with pytest.raises(ConfigurationError, match="which are among the days held out: give fewer --held-out"):
        score(registry, longer, made.entry)


def test_too_few_days_to_hold_some_out_are_said_to_be(registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match=r"There are 7\.0 days, of which 7 are held out"):
        City(town(7), TOWN, 7, "UTC", "DE")


def test_too_few_days_to_learn_from_are_said_to_be_and_what_to_do(registry: Registry) -> None:
    few = r"readings of 10\.0 days.* wait until there are 11 days, or give --held-out 6 at most\."
    with pytest.raises(ConfigurationError, match=few):
        train_and_promote(registry, town_city(town(10)), 1, silent)
    assert registry.list() == []


def test_a_city_begins_with_its_first_reading_however_many_days_are_asked_for(
    city: str, settings: Settings, session: SparkSession
) -> None:
    asked = Span(MIDNIGHT - timedelta(days=21), SPAN.end)
    source = source_of("database", settings).open(session)
    frame = frame_of(database_url(settings), source, asked, "America/New_York", "US")
    assert len(frame) == DAYS * A_DAY + 12  # an hour is skipped on 8 March
    assert City(frame, asked, 4, "America/New_York", "US").learned_from == Span(
        MIDNIGHT, SPAN.end - timedelta(days=4)
    )


def test_each_week_of_a_backtest_is_foretold_by_a_model_of_the_days_before_and_of_the_roads(
    session: SparkSession, quick_training: None
) -> None:
    with pytest.raises(ConfigurationError, match=r"3 weeks after at least 4 days to learn from are 25 days"):
        backtest(session, town(20), 3, 1, "UTC", "DE")
    near = np.eye(4, k=1, dtype=bool)
    [week] = backtest(session, town(11), 1, 1, "UTC", "DE", near)
    assert (week["week"], week["days_learned_from"]) == ("2026-03-06", 4)
    assert week["mae_60"] < week["last_value_mae_60"]
    model = train(town(4), None, "town", 1, "UTC", "DE", silent, near=near)
    assert model.neighbours[:-1, 0].tolist() == [1, 2, 3]
    assert week["mae_60"] == judge(model, town(7, first_day=4), "km/h")["mae_60"]


def test_a_city_is_trained_with_its_roads_and_its_model_scored_and_listed_at_the_command_line(
    city: str, registry: Registry
) -> None:
    road = [(sensor, "link", line((number, 0), (number + 1, 0))) for number, sensor, _ in sensors()]
    draw(city, *road)
    models = str(registry.folder)
    env = {"URBANCLEAR_DATABASE_URL": city, "URBANCLEAR_MODELS_DIR": models, "URBANCLEAR_TIME_ZONE": "UTC"}

    def forecast(*arguments: str) -> dict[str, object] | list[dict[str, object]]:
        command = [sys.executable, "-c", QUICKLY, "forecast", *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **env})
        assert done.returncode == 0, done.stderr
        found: dict[str, object] | list[dict[str, object]] = json.loads(done.stdout)
        return found

    trained = forecast("train", "--days", "14", "--held-out", "4", "--master", "local[2]")
    assert isinstance(trained, dict)
    assert trained["against"] is None
    model = registry.load(to_score(registry, None))
    assert isinstance(model, Model)
    near = near_on_roads(city, model.sensors)
    assert near.sum() == 2 * sum(SENSORS - hops for hops in range(1, FEW_LINKS + 1))
    assert np.take_along_axis(near, model.neighbours[:, :FEW_LINKS], 1).all()  # so many are near either end's link
    scored = forecast("evaluate", "--held-out", "4", "--master", "local[2]")
    assert isinstance(scored, dict)
    assert scored["skill"]["mae_15"] == trained["skill"]["mae_15"]  # type: ignore[index]
    [listed] = forecast("models")
    assert isinstance(listed, dict)
    assert listed["state"] == "in_place"
