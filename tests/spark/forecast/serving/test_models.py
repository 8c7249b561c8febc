"""What forecasts when a model fails, and what the process brings with it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY

from spark.forecast.fallback import Chain, LastValue
from spark.forecast.registry import Registry
from spark.forecast.serving.made import Made
from spark.forecast.serving.models import Guarded, Models
from spark.forecast.window import STEPS_IN, Forecast, Window
from tests.spark.forecast.models import Level
from tests.spark.forecast.serving.running import promote
from tests.spark.forecast.test_fallback import add_profiles
from urbanclear.settings import Settings

WINDOW = Window(datetime(2026, 3, 2, 8, tzinfo=UTC), ("t:1", "t:2"), np.full((STEPS_IN, 2), 50, np.float32))


class Broken(Level):
    """Raises what nobody foresaw."""

    def forecast(self, window: Window) -> Forecast:
        raise ZeroDivisionError


class OfTooFew(Level):
    """Leaves out a sensor."""

    def forecast(self, window: Window) -> Forecast:
        return super().forecast(Window(window.end, window.sensors[1:], window.speeds_kmh[:, 1:]))


@pytest.mark.parametrize("kind", [Broken, OfTooFew])
def test_a_model_that_fails_leaves_its_sensors_to_what_comes_after_it(kind: type[Level]) -> None:
    found = Chain([Guarded(kind("ours", 70)), LastValue()]).forecast(WINDOW)
    assert (found.models, found.speed_kmh[:, 0].tolist()) == (("last-value",) * 2, [50, 50])


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_a_model_in_place_whose_file_is_broken_leaves_the_one_before_it(database_url: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({"database_url": database_url, "models_dir": tmp_path})
    models = Models(settings)

    def told() -> tuple[str, float]:
        models.refresh()
        found = models.forecast(WINDOW)
        return found.models[0], found.speed_kmh[0, 0]

    assert told() == ("last-value", 50)
    first = promote(settings, 61)
    assert told() == (first, 61)
    [file] = tmp_path.glob(f"{promote(settings, 62)}*")
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(b"gone")
    before = failures("load")
    assert told() == told() == (first, 61)
    assert failures("load") == before + 2
    file.unlink()
    file.write_bytes(content)
    assert told()[1] == 62
    with Registry.of(settings) as registry:
        registry.rollback()
    assert told() == (first, 61)


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_profiles_are_taken_up_when_the_job_has_run(database_url: str, tmp_path: Path) -> None:
    models = Models(Settings.model_validate({"database_url": database_url, "models_dir": tmp_path}))
    models.refresh()
    assert models.forecast(WINDOW).models == ("last-value", "last-value")
    kinds = ("weekday", "saturday", "sunday")
    add_profiles(database_url, {("t:2", kind, 15 * slot): (44, 40, 48) for kind in kinds for slot in range(96)})
    models.refresh()
    assert models.forecast(WINDOW).models == ("last-value", "profile")


def failures(stage: str) -> float:
    return REGISTRY.get_sample_value("urbanclear_forecast_model_failures_total", {"stage": stage}) or 0.0


def test_nothing_is_told_where_a_model_says_nothing_and_no_speed_is_below_zero() -> None:
    found = Level("ours", -3).forecast(WINDOW)
    found.speed_kmh[0, 2:] = (np.nan, *[np.inf] * 9)
    found.upper_kmh[:, 0] = np.inf
    made = list(Made.of(WINDOW, found, WINDOW.end).predictions())
    assert [one.sensor for one in made] == ["t:1"] * 2 + ["t:2"] * 12
    assert {(one.speed_kmh, one.lower_kmh) for one in made} == {(0, 0)}
    assert [one.upper_kmh for one in made[:2]] == [None, 2]


def test_nothing_large_is_imported() -> None:
    large = "{'pyspark', 'pandas', 'sklearn', 'torch', 'pyarrow', 'matplotlib'}"
    code = f"import sys, spark.forecast.serving.process; sys.exit(str({large} & set(sys.modules) or ''))"
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert found.stderr.strip() == ""
