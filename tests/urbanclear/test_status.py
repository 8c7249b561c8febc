"""What `urbanclear status` tells of a database: the newest things soon, and what forecasts."""

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from schema.heartbeat import BEAT, WELL_SECONDS
from spark.forecast.serving.made import Made
from spark.forecast.serving.store import Store
from spark.forecast.window import STEPS_IN, Window
from tests.spark.forecast.models import Level
from tests.spark.forecast.serving.running import describe, promote, this_minute
from urbanclear import status
from urbanclear.embedded.ports import choose
from urbanclear.settings import Settings

SENSORS = ("t:1", "t:2", "t:3")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    describe(database_url, SENSORS)
    with psycopg.connect(database_url) as connection:
        connection.execute(BEAT, ["forecast", "here/1"])
    return Settings.model_validate({"database_url": database_url, "data_dir": tmp_path, "models_dir": tmp_path})


async def parts(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    report = await status.gather(settings)
    found: Mapping[str, Mapping[str, Any]] = report["parts"]
    return found


def predicted(settings: Settings, by: Mapping[str, str], minute: datetime) -> None:
    """Each sensor at `minute` by what `by` has for it."""
    store = Store(str(settings.database_url))
    for sensor, model in by.items():
        window = Window(minute, (sensor,), np.full((STEPS_IN, 1), 50, np.float32))
        store.write(Made.of(window, Level(model, 50).forecast(window), minute).predictions())
    store.close()


async def test_the_part_that_forecasts_says_by_which_model_how_many_sensors(settings: Settings) -> None:
    predicted(settings, {"t:1": "level-1", "t:2": "profile", "t:3": "level-1"}, this_minute())
    forecast = (await parts(settings))["forecast"]
    assert (forecast["ok"], forecast["models"]) == (True, {"level-1": 2, "profile": 1})
    assert forecast["heartbeat_age_s"] < WELL_SECONDS


async def test_a_model_in_place_that_forecasts_nothing_is_a_problem_once_it_had_its_time(
    settings: Settings, database_url: str
) -> None:
    model = promote(settings, 40)
    predicted(settings, dict.fromkeys(SENSORS, "profile"), this_minute())
    assert (await parts(settings))["forecast"]["ok"]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE forecast_models SET promoted_at = promoted_at - %s", [timedelta(seconds=status.TAKEN_UP_SECONDS)]
        )
    forecast = (await parts(settings))["forecast"]
    assert not forecast["ok"]
    assert model in forecast["problem"]
    assert forecast["models"] == {"profile": 3}
    predicted(settings, {"t:2": model}, this_minute() + timedelta(minutes=1))
    assert (await parts(settings))["forecast"]["ok"]


async def test_a_database_that_is_too_busy_to_count_its_rows_is_well(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await parts(settings))["database"]["rows"]["sensors"] == len(SENSORS)
    monkeypatch.setattr(status, "SOON_SECONDS", 0.2)
    with psycopg.connect(database_url) as busy:
        busy.execute("LOCK TABLE sensors IN ACCESS EXCLUSIVE MODE")
        found = await parts(settings)
    assert (found["database"]["ok"], found["database"]["rows"]) == (True, None)
    assert found["forecast"]["ok"]
    assert "models" not in found["forecast"]


async def test_kafka_away_is_told_in_the_table_and_nowhere_else(database_url: str) -> None:
    away = {"URBANCLEAR_DATABASE_URL": database_url, "URBANCLEAR_KAFKA_BOOTSTRAP": f"127.0.0.1:{choose(1, [])[0]}"}
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "status"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **away},
    )
    out, err = await asked.communicate()
    assert (asked.returncode, err.decode()) == (1, "")
    assert "unwell" in out.decode()
