"""The city's weather, hour by hour, from Open-Meteo (https://open-meteo.com/en/docs), which needs no key.

Hours and not its current weather are asked for, since only they give precipitation as the sum of the hour before. The
hours still to come are forecasts and left out.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.json_document import read
from ingest.sources.outcome import Rejected
from schema.events import UNREADABLE, Latitude, Longitude, Weather, WeatherCondition
from urbanclear.errors import FeedChanged
from urbanclear.settings import Settings

UNITS: Final = {
    "time": "unixtime",
    "temperature_2m": "°C",
    "precipitation": "mm",
    "wind_speed_10m": "km/h",
    "visibility": "m",
    "weather_code": "wmo code",
}
PAST_HOURS: Final = 6
EXACT: Final = 253_402_300_799  # the last second of the year 9999

# WMO code table 4677 in the groups that Open-Meteo gives: the highest code of each, and what it is.
_CONDITIONS: Final[tuple[tuple[int, WeatherCondition], ...]] = (
    (1, "clear"),
    (3, "cloud"),
    (48, "fog"),
    (67, "rain"),
    (77, "snow"),
    (82, "rain"),
    (86, "snow"),
    (99, "storm"),
)


class _Hours(Struct):
    time: list[Annotated[int, Meta(ge=0, le=EXACT)]]
    temperature_2m: list[float | None]
    precipitation: list[float | None]
    wind_speed_10m: list[float | None]
    visibility: list[float | None]
    weather_code: list[float | None]


class _Forecast(Struct):
    latitude: Latitude
    longitude: Longitude
    hourly_units: dict[str, str]
    hourly: _Hours


class _Failure(Struct):
    error: Literal[True]
    reason: str


def parse(document: Document) -> Iterable[Part]:
    """What was observed at each full hour up to now."""
    forecast = _read(document)
    hours = forecast.hourly
    columns = (hours.temperature_2m, hours.precipitation, hours.wind_speed_10m, hours.visibility, hours.weather_code)
    if any(len(column) != len(hours.time) for column in columns):
        raise FeedChanged(f"{document.url} gives columns of different lengths.")
    for stamp, temperature_c, precipitation_mm, wind_speed_kmh, visibility_m, code in zip(
        hours.time, *columns, strict=True
    ):
        time = datetime.fromtimestamp(stamp, UTC)
        said = {
            "station": f"open-meteo:{forecast.latitude},{forecast.longitude}",
            "time": time,
            "temperature_c": temperature_c,
            "precipitation_mm": precipitation_mm,
            "wind_speed_kmh": wind_speed_kmh,
            "visibility_m": visibility_m,
            "condition": condition(code),
            "lat": forecast.latitude,
            "lon": forecast.longitude,
        }
        if time <= document.fetched_at:
            yield _weather(document, said)


def condition(code: float | None) -> WeatherCondition | None:
    """What a WMO code means for traffic; None for one that is not in the table."""
    if code is None or code < 0:
        return None
    return next((meaning for highest, meaning in _CONDITIONS if code <= highest), None)


def _read(document: Document) -> _Forecast:
    if reason := _reason(document.body):
        raise FeedChanged(f"{document.url} gives no forecast, and says why: {reason}.")
    forecast = read(document, _Forecast, "forecast")
    if forecast.hourly_units != UNITS:
        raise FeedChanged(f"{document.url} answered in units that were not asked for: {forecast.hourly_units}.")
    return forecast


def _reason(body: bytes) -> str:
    """What the server says itself, in a document such as `{"error": true, "reason": "…"}`."""
    try:
        return msgspec.json.decode(body, type=_Failure).reason
    except UNREADABLE:
        return ""


def _weather(document: Document, said: dict[str, object]) -> Weather | Rejected:
    try:
        return msgspec.convert(said, Weather)
    except msgspec.ValidationError:
        return Rejected(document.origin(said["time"]), msgspec.json.encode(said), "invalid")


def _place(settings: Settings) -> Mapping[str, str]:
    """Where and what to ask, with every unit said."""
    return {
        "latitude": str(settings.city_lat),
        "longitude": str(settings.city_lon),
        "hourly": ",".join(name for name in UNITS if name != "time"),
        "past_hours": str(PAST_HOURS),
        "forecast_hours": "1",
        "timezone": "GMT",
        "timeformat": "unixtime",
        "temperature_unit": "celsius",
        "wind_speed_unit": "kmh",
        "precipitation_unit": "mm",
    }


FEED: Final = Feed(
    name="open-meteo",
    about="The city's weather at each full hour, from Open-Meteo's models.",
    url="https://api.open-meteo.com/v1/forecast",
    every=timedelta(minutes=15),
    media=("application/json",),
    parse=parse,
    params=_place,
)
