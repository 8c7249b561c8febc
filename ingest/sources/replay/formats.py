"""The named formats of recorded observations, and how each is recognised."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from ingest.sources.replay.format import Format, Measure, Steps, canonical, shown
from schema.events import Incident, Weather
from schema.units import KMH_PER_MPH
from urbanclear.errors import ConfigurationError, SourceError

SMALLEST_STATION_ID: Final = 1_000


def _names(columns: Sequence[str]) -> list[str]:
    return list(map(canonical, columns))


def _is_nyc_dot(columns: Sequence[str]) -> bool:
    return {"speed", "traveltime", "status", "dataasof", "linkid"} <= set(_names(columns))


def _is_readings(columns: Sequence[str]) -> bool:
    names = set(_names(columns))
    return {"sensor", "time"} <= names and any(m.column in names for m in _READING_MEASURES.values())


def _is_metr_la(columns: Sequence[str]) -> bool:
    return len(columns) > 1 and canonical(columns[0]) == "timestamp" and all(c.isdigit() for c in columns[1:])


def _is_pems(columns: Sequence[str]) -> bool:
    return len(columns) > 1 and all(re.fullmatch(r"\d+(\.\d+)?", column) for column in columns)


def _is_nab(columns: Sequence[str]) -> bool:
    return _names(columns) == ["timestamp", "value"]


def _is_nyc_volume(columns: Sequence[str]) -> bool:
    names = _names(columns)
    return {"segmentid", "direction", "date"} <= set(names) and len(names) - names.index("date") == 25


def _is_mn_i94(columns: Sequence[str]) -> bool:
    return {"datetime", "trafficvolume"} <= set(_names(columns))


def _is_weather(columns: Sequence[str]) -> bool:
    names = set(_names(columns))
    return "time" in names and any(measure.column in names for measure in _WEATHER_MEASURES.values())


def _is_nyc_collisions(columns: Sequence[str]) -> bool:
    names = set(_names(columns))
    return bool(names & {"collisionid", "uniquekey"}) and bool(names & {"crashdate", "date"})


# What a series of the Numenta Anomaly Benchmark measures is in its file's name, with the detector's number; units are
# nowhere given: the values are taken as the Minnesota DOT publishes them, mph, percent and seconds.
_NAB_MEASURES: Final = {
    "speed": {"speed_kmh": Measure("value", KMH_PER_MPH)},
    "occupancy": {"occupancy": Measure("value", 0.01)},
    "traveltime": {"travel_time_s": Measure("value")},
}


def _nab_series(chosen: Format, file: str) -> Format:
    match = re.match(r"(speed|occupancy|traveltime)_([A-Za-z0-9]+)", Path(file).name, re.IGNORECASE)
    if match is None:
        raise ConfigurationError(
            f"{file} has a name that does not say what was measured, and where: call it speed_NUMBER.csv, "
            "occupancy_NUMBER.csv or TravelTime_NUMBER.csv."
        )
    what = match[1].lower()
    series = replace(chosen, sensor=match[2], measures=_NAB_MEASURES[what])
    return replace(series, kind="link") if what == "traveltime" else series


_READING_MEASURES: Final = {
    "speed_kmh": Measure("speedkmh"),
    "volume_vph": Measure("volumevph"),
    "occupancy": Measure("occupancy"),
    "travel_time_s": Measure("traveltimes"),
}
_WEATHER_MEASURES: Final = {
    "temperature_c": Measure("temperature2mc"),
    "precipitation_mm": Measure("precipitationmm"),
    "rain_mm": Measure("rainmm"),
    "wind_speed_kmh": Measure("windspeed10mkmh"),
    "cloud_cover": Measure("cloudcover", 0.01),
}

NYC_DOT: Final = Format(
    name="nyc-dot",
    columns="SPEED, TRAVEL_TIME, STATUS, DATA_AS_OF, LINK_ID (any case)",
    fits=_is_nyc_dot,
    prefix="nyc-dot:",
    zone="America/New_York",
    sensor_columns=("linkid",),
    time_column="dataasof",
    time_patterns=("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"),
    measures={"speed_kmh": Measure("speed", KMH_PER_MPH), "travel_time_s": Measure("traveltime")},
    status_column="status",
    no_data_status=-101,
    never_set=datetime(1978, 1, 1),
    kind="link",
    sidecar="dot_speed_links.csv.gz",
    sidecar_column="linkid",
    description_column="linkname",
)

METR_LA: Final = Format(
    name="metr-la",
    columns="timestamp, then one column a sensor named by its number",
    fits=_is_metr_la,
    prefix="metr-la:",
    zone="America/Los_Angeles",
    time_column="timestamp",
    measures={"speed_kmh": Measure("", KMH_PER_MPH)},
    missing=0.0,
    sidecar="sensor_locations.csv.gz",
    sidecar_column="sensorid",
)

# PeMSD7(M): "the weekdays of May and June of 2012", 5 minutes a row (Yu, Yin, Zhu: Spatio-Temporal Graph
# Convolutional Networks, IJCAI 2018).
PEMS: Final = Format(
    name="pems",
    columns="one column of numbers a station, no times, with or without a line of station numbers",
    fits=_is_pems,
    prefix="pems:",
    zone="America/Los_Angeles",
    steps=Steps(first=date(2012, 5, 1), every=timedelta(minutes=5)),
    measures={"speed_kmh": Measure("", KMH_PER_MPH)},
)

# Its stamps name no zone. On working days occupancy and travel times peak at 7 to 8 and at 16 to 17, so that they are
# Minnesota's local times.
NAB: Final = Format(
    name="nab",
    columns="timestamp, value",
    fits=_is_nab,
    prefix="nab:",
    zone="America/Chicago",
    time_column="timestamp",
    measures={},
    of_file=_nab_series,
)

NYC_VOLUME: Final = Format(
    name="nyc-volume",
    columns="Segment ID, Direction, Date, then 24 columns of hours",
    fits=_is_nyc_volume,
    prefix="nyc-volume:",
    zone="America/New_York",
    sensor_columns=("segmentid", "direction"),
    date_column="date",
    time_patterns=("%m/%d/%Y",),
    measures={"volume_vph": Measure("")},
    description_column="roadwayname",
)

# The Metro Interstate Traffic Volume data set: counts of the hour that begins at the stamp, in local time
# (https://archive.ics.uci.edu/dataset/492).
MN_I94: Final = Format(
    name="mn-i94",
    columns="date_time (or datetime), traffic_volume",
    fits=_is_mn_i94,
    prefix="mn-i94:",
    zone="America/Chicago",
    sensor="301",
    time_column="datetime",
    measures={"volume_vph": Measure("trafficvolume")},
    known={"name": "Interstate 94 westbound, counter 301", "road": "Interstate 94", "direction": "W"},
)

READINGS: Final = Format(
    name="readings",
    columns=f"sensor, time, and any of {', '.join(_READING_MEASURES)}",
    fits=_is_readings,
    prefix="",
    zone=None,
    sensor_columns=("sensor",),
    time_column="time",
    measures=_READING_MEASURES,
)

WEATHER: Final = Format(
    name="weather",
    columns="time, and temperature_2m (°C), precipitation (mm), rain (mm), windspeed_10m (km/h), cloudcover (%)",
    fits=_is_weather,
    prefix="open-meteo:",
    zone="UTC",
    sensor="history",
    event=Weather,
    time_column="time",
    measures=_WEATHER_MEASURES,
)

NYC_COLLISIONS: Final = Format(
    name="nyc-collisions",
    columns="COLLISION_ID or UNIQUE KEY, and CRASH DATE or DATE",
    fits=_is_nyc_collisions,
    prefix="nyc-collisions:",
    zone="America/New_York",
    event=Incident,
    measures={},
)

ALL: Final = (NYC_DOT, METR_LA, PEMS, NAB, NYC_VOLUME, MN_I94, READINGS, WEATHER, NYC_COLLISIONS)


def named(name: str) -> Format:
    """The format called `name`."""
    for known in ALL:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in ALL)
    raise ConfigurationError(f"There is no format {name!r}; the formats are {names}.")


def recognise(file: str, columns: Sequence[str]) -> Format:
    """The format whose columns these are."""
    for known in ALL:
        if known.fits(columns):
            return known
    _tell_mistake(file, columns)
    forms = "; ".join(f"{known.name}: {known.columns}" for known in ALL)
    raise SourceError(f"{file} is in no known format. Its columns are {shown(columns)}. The formats are {forms}.")


def check_fit(chosen: Format, file: str, columns: Sequence[str]) -> None:
    """Raise when the file's columns are not those of the format asked for."""
    if not chosen.fits(columns):
        _tell_mistake(file, columns)
        raise ConfigurationError(
            f"{file} is not in the format {chosen.name} ({chosen.columns}): its columns are {shown(columns)}. "
            "Leave the format out to have it recognised."
        )


def _tell_mistake(file: str, columns: Sequence[str]) -> None:
    """Raise where one is known that makes columns fit no format."""
    if any(";" in column for column in columns):
        raise SourceError(
            f"{file} has semicolons between its columns: columns must be separated by commas and decimals by a "
            "point; export it again that way, or convert it."
        )
    if {"sensor", "time"} <= set(_names(columns)):
        raise SourceError(
            f"{file} has no measure: name at least one of its columns {', '.join(_READING_MEASURES)}. "
            f"Its columns are {shown(columns)}."
        )


def is_headless(columns: Sequence[str]) -> bool:
    """Whether what stands in a header's place is the first row of values already, not numbers of stations."""
    return _is_pems(columns) and not all(c.isdigit() and int(c) >= SMALLEST_STATION_ID for c in columns)
