"""Every real file of readings is replayed whole and compared with an independent reading of it."""

import gzip
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from schema.events import LineString, Point
from tests.ingest.sources.replay import expected
from tests.ingest.sources.replay.collecting import Collected, replayed

BLIZZARD = datetime(2018, 1, 4, 12, tzinfo=UTC)
A_TUESDAY = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


def as_frame(collected: Collected) -> pd.DataFrame:
    rows = [[getattr(reading, name) for name in expected.COLUMNS] for reading in collected.readings]
    frame = pd.DataFrame(rows, columns=pd.Index(expected.COLUMNS))
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return expected.ordered(frame)


def thinned(path: Path, folder: Path, every: int) -> Path:
    """A copy with a part of the rows, where all of them say nothing more and take long."""
    with gzip.open(path) as whole, gzip.open(folder / path.name, "wb", compresslevel=1) as part:
        part.writelines([line for number, line in enumerate(whole) if number % every == 0])
    return folder / path.name


@pytest.mark.parametrize("name", expected.ALL)
async def test_every_good_observation_is_published_once_and_all_others_are_accounted_for(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    path = shared_data / expected.ALL[name]
    if name == "volume":
        path = thinned(path, tmp_path, 9)
    collected = await replayed(path)
    observed, refused = expected.read(path)
    found = as_frame(collected)
    assert len(found) == len(observed) > 100
    assert dict(collected.refused) == refused
    assert len(collected.rejected) == refused.get("nonexistent_time", 0)
    assert (found["sensor"] == observed["sensor"]).all()
    assert (found["time"].astype("int64") == observed["time"].astype(found["time"].dtype).astype("int64")).all()
    for measure in expected.MEASURES:
        np.testing.assert_array_equal(found[measure], observed[measure])
    times = [reading.time for reading in collected.readings]
    assert all(before <= after for before, after in pairwise(times)), "not in time order"


async def test_links_are_drawn_and_described_from_the_file_beside_the_data(shared_data: Path) -> None:
    path = shared_data / expected.NYC["2018"]
    links = (await replayed(path, start=BLIZZARD, end=BLIZZARD + timedelta(hours=1))).sensors
    assert len(links) == 135
    assert all(isinstance(link.geometry, LineString) for link in links.values())
    assert {link.area for link in links.values()} == {"Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island"}
    gowanus = links["nyc-dot:4616229"]
    assert (gowanus.name, gowanus.road, gowanus.direction, gowanus.area) == (
        "BQE S - GOW S ALTANTIC AVENUE - 9TH STREET", "Brooklyn-Queens Expressway", "S", "Brooklyn",
    )  # fmt: skip
    assert gowanus.length_m == pytest.approx(1_890, rel=0.01)
    observed, _ = expected.read(path)
    quantiles = observed.groupby("sensor")["speed_kmh"].quantile(0.85)
    for sensor, quantile in quantiles.items():
        assert links[str(sensor)].free_flow_speed_kmh == pytest.approx(quantile, abs=0.01)
    silent = links.keys() - set(quantiles.index)
    assert silent, "links that never report are described all the same"
    assert all(links[sensor].free_flow_speed_kmh is None for sensor in silent)


@pytest.mark.parametrize(("name", "links"), [("2019 api", 123), ("2021 tsv", 153)])
async def test_a_file_that_describes_its_links_needs_no_other(
    shared_data: Path, tmp_path: Path, name: str, links: int
) -> None:
    path = tmp_path / Path(expected.NYC[name]).name
    path.write_bytes((shared_data / expected.NYC[name]).read_bytes())
    sensors = (await replayed(path)).sensors
    assert len(sensors) == links
    assert all(isinstance(sensor.geometry, LineString) and sensor.road for sensor in sensors.values())
    assert all(50 < (sensor.length_m or 0) < 15_000 for sensor in sensors.values())


async def test_detectors_stand_where_the_file_of_locations_puts_them(shared_data: Path) -> None:
    path = shared_data / expected.WIDE["metr-la 10"]
    detectors = (await replayed(path, end=datetime(2012, 3, 2, tzinfo=UTC))).sensors
    assert len(detectors) == 10
    detector = detectors["metr-la:773869"]
    assert (detector.kind, detector.geometry) == ("detector", Point(coordinates=[-118.31829, 34.15497]))


async def test_rows_without_a_clock_that_was_set_are_no_data(shared_data: Path) -> None:
    collected = await replayed(shared_data / expected.NYC["2021 tsv"])
    assert min(reading.time.year for reading in collected.readings) == 2020
    assert collected.refused["no_data"] == 48


async def test_the_hourly_weather_becomes_weather_reports(shared_data: Path) -> None:
    path = shared_data / expected.WEATHER
    collected = await replayed(path, start=BLIZZARD, end=BLIZZARD + timedelta(days=1))
    frame = pd.read_csv(path, index_col="time").loc["2018-01-04T12:00":"2018-01-05T11:00"]
    assert [event.time for event in collected.reports] == [BLIZZARD + timedelta(hours=hour) for hour in range(24)]
    for name, column in (
        ("temperature_c", "temperature_2m (°C)"),
        ("precipitation_mm", "precipitation (mm)"),
        ("wind_speed_kmh", "windspeed_10m (km/h)"),
    ):
        np.testing.assert_array_equal([getattr(event, name) for event in collected.reports], frame[column])
    assert collected.reports[3].condition == "snow"
    assert {event.station for event in collected.reports} == {"open-meteo:history"}
    assert not collected.sensors
    assert not collected.readings


async def test_streets_that_are_counted_are_described_by_the_file_itself(shared_data: Path, tmp_path: Path) -> None:
    sensors = (await replayed(thinned(shared_data / expected.VOLUME, tmp_path, 200))).sensors
    street = sensors["nyc-volume:70220-NB"]
    assert (street.name, street.road, street.direction, street.kind) == (
        "Melrose Avenue NB, East 153 Street to East 154 Street", "Melrose Avenue", "N", "detector",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "described"),
    [
        ("nab speed", "detector", "nab 6005"),
        ("nab travel time", "link", "nab 387"),
        ("i94", "detector", "Interstate 94 westbound, counter 301"),
    ],
)
async def test_a_file_of_one_sensor_describes_it(shared_data: Path, name: str, kind: str, described: str) -> None:
    [sensor] = (await replayed(shared_data / expected.ALL[name])).sensors.values()
    assert (sensor.kind, sensor.name) == (kind, described)


async def test_collisions_become_incidents_in_the_order_of_their_states(shared_data: Path) -> None:
    path = shared_data / "nyc/nypd_collisions_2016-05-18.csv.gz"
    incidents = (await replayed(path)).incidents
    assert all(before.time <= after.time for before, after in pairwise(incidents))
    assert {incident.status for incident in incidents} == {"reported", "cleared"}
    keys = set(pd.read_csv(path, dtype=str)["COLLISION_ID"])
    for status in ("reported", "cleared"):
        assert {one.id for one in incidents if one.status == status} == {f"nyc-collisions:{key}" for key in keys}
    noon = datetime(2016, 5, 18, 16, tzinfo=UTC)
    morning = (await replayed(path, end=noon)).incidents
    assert 0 < len(morning) < len(incidents)
    assert len([one for one in morning if one.status == "cleared"]) * 2 == len(morning), "none stays open"


async def test_an_incident_that_is_moved_begins_later_too(shared_data: Path) -> None:
    path = shared_data / "nyc/nypd_collisions_2016-05-18.csv.gz"
    reported = {one.id: one for one in (await replayed(path)).incidents if one.status == "reported"}
    moved = (await replayed(path, shift_to_now=True, align="week", clock=lambda: A_TUESDAY)).incidents
    [offset] = {one.started_at - reported[one.id].started_at for one in moved}
    assert timedelta(weeks=500) < offset
    assert all(one.time == one.started_at for one in moved if one.status == "reported")
