"""What forecasts when a model fails, and what the process brings with it."""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from spark.forecast.fallback import Chain, LastValue
from spark.forecast.serving.made import Made
from spark.forecast.serving.models import Guarded
from spark.forecast.window import STEPS_IN, Forecast, Window
from tests.spark.forecast.models import Level

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
