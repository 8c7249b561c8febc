"""What rain and snow take is what has been measured of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.simulator.weather import STATION, effect
from schema.events import Weather, WeatherCondition

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
#: Shares of the speed and of the capacity, from FHWA; by condition and mm in an hour.
TAKEN = {
    ("rain", 0.01, 6.35): ((0.02, 0.13), (0.04, 0.11)),
    ("rain", 6.36, 100.0): ((0.03, 0.16), (0.10, 0.30)),
    ("snow", 0.01, 100.0): ((0.05, 0.40), (0.12, 0.27)),
}


def fall(condition: WeatherCondition, mm: float) -> Weather:
    return Weather(station=STATION, time=NOON, condition=condition, precipitation_mm=mm)


@pytest.mark.parametrize("kind", TAKEN)
@given(data=st.data())
def test_rain_and_snow_take_as_much_speed_and_capacity_as_fhwa_says(
    kind: tuple[WeatherCondition, float, float], data: st.DataObject
) -> None:
    condition, least, most = kind
    found = effect(fall(condition, data.draw(st.floats(least, most))))
    for factor, (from_, to) in zip((found.speed, found.capacity), TAKEN[kind], strict=True):
        assert from_ - 1e-9 <= 1 - factor <= to + 1e-9


@given(st.lists(st.floats(0, 100), min_size=2, max_size=2).map(sorted))
def test_more_rain_never_takes_less(amounts: list[float]) -> None:
    less, more = (effect(fall("rain", mm)) for mm in amounts)
    assert more.speed <= less.speed
    assert more.capacity <= less.capacity


def test_fair_weather_takes_nothing() -> None:
    assert effect(fall("clear", 0.0)) == effect(Weather(station=STATION, time=NOON))
    assert effect(fall("clear", 0.0)).capacity == 1
