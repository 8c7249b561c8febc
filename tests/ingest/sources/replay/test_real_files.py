"""Every real speed file is replayed whole and compared with an independent reading of it."""

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


def as_frame(collected: Collected) -> pd.DataFrame:
    rows = [(r.sensor, r.time, r.speed_kmh, r.travel_time_s) for r in collected.readings]
    frame = pd.DataFrame(rows, columns=pd.Index(expected.COLUMNS))
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    frame["travel_time_s"] = frame["travel_time_s"].astype(float)
    return expected.ordered(frame)


@pytest.mark.parametrize("name", expected.ALL)
async def test_every_good_observation_is_published_once_and_all_others_are_accounted_for(
    shared_data: Path, name: str
) -> None:
    path = shared_data / expected.ALL[name]
    collected = await replayed(path)
    observed, refused = expected.read(path)
    found = as_frame(collected)
    assert len(found) == len(observed) > 100
    assert not collected.rejected
    assert dict(collected.refused) == refused
    assert (found["sensor"] == observed["sensor"]).all()
    assert (found["time"].astype("int64") == observed["time"].astype(found["time"].dtype).astype("int64")).all()
    np.testing.assert_array_equal(found["speed_kmh"], observed["speed_kmh"])
    np.testing.assert_array_equal(found["travel_time_s"], observed["travel_time_s"])
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
