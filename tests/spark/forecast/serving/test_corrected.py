"""A model that forecasts learns of its own errors, and a process that starts anew from what is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg

from spark.forecast.correction import WARM_STEPS, Correction, walk
from spark.forecast.frame import Frame
from spark.forecast.model import MIDDLE, Model
from spark.forecast.serving.corrected import Corrected
from spark.forecast.window import HORIZONS, STEP, STEPS_IN, Window
from tests.spark.conftest import fill
from tests.spark.forecast.towns import town
from tests.spark.shapes import MIDNIGHT

SLOWER = np.float32(-15)
FRAME = Frame(int(MIDNIGHT.timestamp()), town(2).sensors, town(2, first_day=28).speeds_kmh + SLOWER)
NOW = MIDNIGHT + timedelta(hours=42)


def window_at(end: datetime) -> Window:
    last = (end - MIDNIGHT) // STEP
    return Window(end, FRAME.sensors, FRAME.speeds_kmh[last - STEPS_IN : last])


def learned(model: Model, since: datetime, until: datetime = NOW) -> Corrected:
    """One that forecast each step in between."""
    corrected = Corrected(model)
    for number in range((until - since) // STEP + 1):
        corrected.learn(window_at(since + number * STEP))
    return corrected


def store(url: str) -> None:
    def readings(column: int) -> list[tuple[datetime, float, None]]:
        speeds = FRAME.speeds_kmh[:, column].tolist()
        told = [(MIDNIGHT + number * STEP, speed, None) for number, speed in enumerate(speeds)]
        return [one for one in told if one[1] == one[1] and one[0] < NOW]

    fill(url, [(number + 1, name, "road", readings(number)) for number, name in enumerate(FRAME.sensors)])


def test_each_step_it_learns_what_a_walk_over_the_same_days_learns(model: Model) -> None:
    ends = np.arange(STEPS_IN - 1, (NOW - MIDNIGHT) // STEP)
    told = [found for _, found in walk(model, FRAME, ends, Correction(len(model.sensors)))][-1]
    served = learned(model, MIDNIGHT + STEPS_IN * STEP).forecast(window_at(NOW))
    np.testing.assert_allclose(served.speed_kmh, told[..., MIDDLE], rtol=1e-3)


def test_what_it_tells_is_nearer_than_what_the_model_alone_tells(model: Model) -> None:
    corrected, window = learned(model, MIDNIGHT + STEPS_IN * STEP), window_at(NOW)
    last = (NOW - MIDNIGHT) // STEP
    actual = FRAME.speeds_kmh[last : last + 12].T
    off, alone_off = (
        float(np.nanmean(np.abs(one.forecast(window).speed_kmh - actual))) for one in (corrected, model)
    )
    assert off < 0.9 * alone_off


def test_one_that_starts_anew_learns_from_what_is_stored_what_it_would_have_learned_itself(
    database_url: str, model: Model
) -> None:
    store(database_url)
    corrected = Corrected(model)
    with psycopg.connect(database_url, autocommit=True) as connection:
        corrected.warm(connection, NOW)
    assert corrected.is_warm
    itself = learned(model, NOW - (WARM_STEPS + HORIZONS) * STEP)
    found, wanted = corrected.forecast(window_at(NOW)), itself.forecast(window_at(NOW))
    np.testing.assert_allclose(found.speed_kmh, wanted.speed_kmh, atol=0.05)
    np.testing.assert_allclose(found.upper_kmh, wanted.upper_kmh, atol=0.05)


def test_sensors_that_are_stored_and_strange_to_the_model_are_passed_over(database_url: str, model: Model) -> None:
    store(database_url)
    corrected = Corrected(replace(model, sensors=("t:0", "t:gone", "t:2", "t:3")))
    with psycopg.connect(database_url, autocommit=True) as connection:
        corrected.warm(connection, NOW)
    assert corrected.forecast(window_at(NOW)).models == ("town", "", "town", "town")


def test_a_database_without_readings_leaves_the_model_as_it_is(database_url: str, model: Model) -> None:
    corrected = Corrected(model)
    with psycopg.connect(database_url, autocommit=True) as connection:
        corrected.warm(connection, datetime.now(UTC))
    np.testing.assert_allclose(
        corrected.forecast(window_at(NOW)).speed_kmh, model.forecast(window_at(NOW)).speed_kmh, rtol=1e-5
    )
