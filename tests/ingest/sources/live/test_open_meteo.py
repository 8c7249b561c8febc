"""The weather from Open-Meteo: what is asked, what is read, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.feed import Document
from ingest.sources.live.open_meteo import FEED, condition, parse
from ingest.sources.outcome import Rejected
from schema.events import Weather, decode, encode
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.kafka_content import read_all
from urbanclear.errors import FeedChanged
from urbanclear.settings import Settings

NOW = datetime(2026, 6, 1, 12, 10, tzinfo=UTC)
HOURS = [datetime(2026, 6, 1, hour, tzinfo=UTC) for hour in (11, 12, 13)]


def answer(**hourly: Any) -> dict[str, Any]:
    """As the server writes it, with other values in `hourly`."""
    return {
        "latitude": 40.710335,
        "longitude": -73.99307,
        "generationtime_ms": 0.05,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 51.0,
        "hourly_units": {
            "time": "unixtime",
            "temperature_2m": "°C",
            "precipitation": "mm",
            "wind_speed_10m": "km/h",
            "visibility": "m",
            "weather_code": "wmo code",
        },
        "hourly": {
            "time": [int(hour.timestamp()) for hour in HOURS],
            "temperature_2m": [18.1, 18.4, 19.0],
            "precipitation": [0.0, 1.2, 0.0],
            "wind_speed_10m": [12.6, 10.0, 9.0],
            "visibility": [24140.0, None, 24140.0],
            "weather_code": [3, 61, 0],
            **hourly,
        },
    }


def document(said: object) -> Document:
    return Document("http://feed/x", "application/json", json.dumps(said).encode(), NOW)


def test_each_hour_up_to_now_is_an_observation_and_the_forecast_is_left_out() -> None:
    station = "open-meteo:40.710335,-73.99307"
    place = {"station": station, "lat": 40.710335, "lon": -73.99307}
    first = {"temperature_c": 18.1, "precipitation_mm": 0.0, "wind_speed_kmh": 12.6, "visibility_m": 24140.0}
    second = {"temperature_c": 18.4, "precipitation_mm": 1.2, "wind_speed_kmh": 10.0}
    assert list(parse(document(answer()))) == [
        Weather(time=HOURS[0], condition="cloud", **place, **first),  # type: ignore[arg-type]
        Weather(time=HOURS[1], condition="rain", **place, **second),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("codes", "meaning"),
    [
        ((0, 1), "clear"),
        ((2, 3), "cloud"),
        ((45, 48), "fog"),
        ((51, 53, 55, 56, 57, 61, 63, 65, 66, 67, 80, 81, 82), "rain"),
        ((71, 73, 75, 77, 85, 86), "snow"),
        ((95, 96, 99), "storm"),
        ((None, -1, 100), None),
    ],
)
def test_a_wmo_code_is_what_it_means_for_traffic(codes: tuple[int | None, ...], meaning: str | None) -> None:
    assert [condition(code) for code in codes] == [meaning] * len(codes)


def test_a_value_out_of_range_rejects_its_hour_only() -> None:
    first, second = parse(document(answer(temperature_2m=[181, 18.4, 19])))
    assert isinstance(first, Rejected)
    assert first.reason == "invalid"
    assert isinstance(second, Weather)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"error": True, "reason": "Cannot initialize WeatherVariable"}, "Cannot initialize WeatherVariable"),
        ({**answer(), "hourly_units": {**answer()["hourly_units"], "temperature_2m": "°F"}}, "units"),
        (answer(temperature_2m=[1.0]), "lengths"),
        ({**answer(), "hourly": {}}, "no forecast"),
        ([], "no forecast"),
        ({"error": True}, "no forecast"),
    ],
)
def test_a_document_of_another_form_is_a_changed_feed(said: object, message: str) -> None:
    with pytest.raises(FeedChanged, match=message):
        list(parse(document(said)))


VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.dictionaries(st.sampled_from(list(answer()["hourly"])), st.lists(VALUES, min_size=3, max_size=3)))
def test_whatever_comes_is_observations_that_can_travel_or_a_changed_feed(spoilt: dict[str, object]) -> None:
    try:
        parts = list(parse(document(answer(**spoilt))))
    except FeedChanged:
        return
    events = [part for part in parts if isinstance(part, Weather)]
    assert [decode(Weather, encode(event)) for event in events] == events


async def test_the_citys_weather_is_asked_for_in_our_units_and_published_once(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(Answer(json.dumps(answer()).encode(), "application/json; charset=utf-8"))
    settings = Settings.model_validate({"city_lat": 40.7, "city_lon": -74.0})
    async with polling(FEED, now=NOW, settings=settings) as polls:
        assert await polls.poll() == timedelta(minutes=15)
        polls.clock.forward(hours=1)
        await polls.poll()
    assert [event.time for event in await read_all(kafka_bootstrap, Weather)] == HOURS
    asked = httpx.URL(feed_server.requests[0].target).params
    assert (asked["latitude"], asked["longitude"], asked["timezone"]) == ("40.7", "-74.0", "GMT")
    assert (asked["wind_speed_unit"], asked["precipitation_unit"]) == ("kmh", "mm")
    assert set(asked["hourly"].split(",")) == set(answer()["hourly"]) - {"time"}
