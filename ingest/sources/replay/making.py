"""Makes events of observations: a reading of its measures, a weather report of its figures."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from schema.events import Event, Reading, Weather, WeatherCondition
from urbanclear.errors import InvalidEvent

Make = Callable[[str, datetime, Mapping[str, float | None]], Event]

CLOUDY_FROM: Final = 0.5  # share of the sky


def maker(kind: type[Event]) -> Make:
    """What makes events of `kind`; it raises `InvalidEvent` where the values make none."""
    return _MAKERS[kind]


def _reading(sensor: str, time: datetime, values: Mapping[str, float | None]) -> Event:
    return _converted({"sensor": sensor, "time": time, **values}, Reading)


def _weather(station: str, time: datetime, values: Mapping[str, float | None]) -> Event:
    told = {"station": station, "time": time, "condition": _condition(values), **values}
    return _converted(told, Weather)


def _condition(values: Mapping[str, float | None]) -> WeatherCondition | None:
    """Precipitation that is mostly no rain is snow; without any, the clouds decide."""
    precipitation, rain, cloud_cover = map(values.get, ("precipitation_mm", "rain_mm", "cloud_cover"))
    if precipitation:
        return "snow" if rain is not None and rain < precipitation / 2 else "rain"
    if cloud_cover is None:
        return None
    return "cloud" if cloud_cover >= CLOUDY_FROM else "clear"


def _converted(fields: Mapping[str, object], kind: type[Event]) -> Event:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid", str(error)) from None


READING: Final[Make] = _reading
_MAKERS: Final[Mapping[type[Event], Make]] = {Reading: READING, Weather: _weather}
