"""What a trained model tells, and what it does not."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from spark.forecast.cores import one_core_each
from spark.forecast.evaluation import judge
from spark.forecast.frame import Frame
from spark.forecast.model import MIDDLE, Model
from spark.forecast.training import train
from spark.forecast.window import HORIZONS, STEPS_IN, Window
from tests.spark.forecast.towns import A_DAY, town
from urbanclear.errors import ConfigurationError

NEXT_WEEK = town(7, first_day=28)


def window_at(frame: Frame, end: int) -> Window:
    """The hour before step `end`."""
    time = datetime.fromtimestamp(int(frame.seconds(np.array(end))), UTC)
    return Window(time, frame.sensors, frame.speeds_kmh[end - STEPS_IN : end])


def test_it_is_nearer_than_the_last_value_and_than_what_is_usual_and_its_interval_holds(model: Model) -> None:
    found = judge(model, NEXT_WEEK)
    for minutes in (15, 30, 60):
        assert found[f"mae_{minutes}"] < found[f"last_value_mae_{minutes}"]
        assert found[f"mae_{minutes}"] < found[f"usual_mae_{minutes}"]
    assert 0.85 < found["coverage_90"] < 0.95
    assert found["days_behind_last_value"] == 0


def test_a_window_alone_is_told_as_within_its_day(model: Model) -> None:
    end = A_DAY + 100
    told = model.forecast(window_at(NEXT_WEEK, end))
    within = model.foretell(NEXT_WEEK, np.array([end - 1]))[0]
    np.testing.assert_allclose(told.speed_kmh, within[..., MIDDLE], rtol=1e-4)
    assert told.models == ("town",) * len(NEXT_WEEK.sensors)
    assert told.speed_kmh.shape == (len(NEXT_WEEK.sensors), HORIZONS)


def test_every_speed_lies_in_its_interval_and_none_is_negative(model: Model) -> None:
    still = replace(NEXT_WEEK, speeds_kmh=np.zeros_like(NEXT_WEEK.speeds_kmh))
    for frame in (NEXT_WEEK, still):
        told = model.foretell(frame, frame.ends)
        said = np.isfinite(told[..., MIDDLE])
        assert (np.diff(told[said], axis=-1) >= 0).all()
        assert told[said].min() >= 0


def test_the_order_of_sensors_changes_nothing_and_strangers_get_no_word(model: Model) -> None:
    window = window_at(NEXT_WEEK, 500)
    turned = replace(
        window,
        sensors=("t:new", *reversed(window.sensors)),
        speeds_kmh=np.concatenate([np.full((STEPS_IN, 1), 50, np.float32), window.speeds_kmh[:, ::-1]], axis=1),
    )
    told, again = model.forecast(window), model.forecast(turned)
    np.testing.assert_array_equal(told.upper_kmh, again.upper_kmh[:0:-1])
    assert np.isnan(again.speed_kmh[0]).all()
    assert again.models == ("", *told.models)


def test_a_sensor_that_said_nothing_for_an_hour_gets_no_word_and_one_that_spoke_once_does(model: Model) -> None:
    window = window_at(NEXT_WEEK, 500)
    speeds = np.full_like(window.speeds_kmh, np.nan)
    speeds[3, 1] = 40
    told = model.forecast(replace(window, speeds_kmh=speeds))
    assert told.models == ("", "town", "", "")
    assert np.isfinite(told.lower_kmh[1]).all()
    assert np.isnan(told.speed_kmh[[0, 2, 3]]).all()


def test_the_time_is_the_citys_own_and_its_holidays_count(model: Model) -> None:
    window = window_at(NEXT_WEEK, 8 * 12)  # 8 in the morning of a Monday
    night = replace(model, time_zone="Asia/Tokyo").forecast(window)
    whit_monday = replace(window, end=window.end + timedelta(days=56))
    assert f"{whit_monday.end:%m-%d}" == "05-25"
    assert (np.abs(night.speed_kmh - model.forecast(window).speed_kmh) > 1).any()
    assert (np.abs(model.forecast(whit_monday).speed_kmh - model.forecast(window).speed_kmh) > 1).any()


def test_the_same_seed_and_days_give_the_same_model(quick_training: None) -> None:
    one, two, other = (train(town(5, 2), None, "town", seed, "UTC", None, lambda *_: None) for seed in (1, 1, 2))
    ends = NEXT_WEEK.ends[:50]
    np.testing.assert_array_equal(one.foretell(NEXT_WEEK, ends), two.foretell(NEXT_WEEK, ends))
    assert (one.foretell(NEXT_WEEK, ends) != other.foretell(NEXT_WEEK, ends)).any()


@pytest.mark.parametrize("days", [1, 3])
def test_too_few_days_are_said_to_be_too_few(days: int) -> None:
    with pytest.raises(ConfigurationError, match="too few to learn from: give at least 4"):
        train(town(days), None, "town", 1, "UTC", None, lambda *_: None)


def test_days_without_speeds_are_said_to_have_none() -> None:
    silent = replace(town(8), speeds_kmh=np.full((8 * A_DAY, 4), np.nan, np.float32))
    with pytest.raises(ConfigurationError, match="No hour was measured"):
        train(silent, None, "town", 1, "UTC", None, lambda *_: None)


def test_training_ends_soon_when_it_is_no_longer_waited_for() -> None:
    class Enough(Exception):
        pass

    def say(stage: str, share: float) -> None:
        if stage.startswith("Training"):
            raise Enough

    begun = time.monotonic()
    with pytest.raises(Enough):
        train(town(5), None, "town", 1, "UTC", None, say, batches=1_000_000)
    assert time.monotonic() - begun < 60


def test_multiplications_have_one_core_each_while_it_forecasts_and_their_own_number_again_after(model: Model) -> None:
    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    before = threads()
    with one_core_each():
        assert threads() == {1}
        model.forecast(window_at(NEXT_WEEK, 500))
    assert threads() == before
