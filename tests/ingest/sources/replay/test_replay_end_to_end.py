"""A slice of every form of real readings goes by real Kafka into real PostgreSQL and is compared with its file."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest

from ingest.sources.replay import ReplaySource
from schema import topics
from schema.publisher import open_publisher
from tests.ingest.running import running_consumer
from tests.ingest.sources.replay import expected
from tests.waiting import fetch_one, until_query
from urbanclear.settings import Settings

# Two of New York's outages and METR-LA's change of clocks lie in their slices; the short files are replayed whole.
SLICES = {
    "2017": ("2017-09-22T06:00-04:00", "2017-09-27T12:00-04:00"),
    "2018": ("2018-01-04T00:00-05:00", "2018-01-04T18:00-05:00"),
    "2019 api": None,
    "2021 tsv": None,
    "metr-la 10": ("2012-03-08T00:00-08:00", "2012-03-16T00:00-07:00"),
    "metr-la 207": ("2012-03-05T06:00-08:00", "2012-03-05T15:00-08:00"),
    "pems": ("2012-05-04T18:00-07:00", "2012-05-07T08:00-07:00"),
    "nab occupancy": None,
    "2012 xml": None,
    "volume": ("2014-11-02T00:00-04:00", "2014-11-03T00:00-05:00"),
    "i94": ("2016-11-01T00:00-05:00", "2016-11-08T00:00-06:00"),
}
ROWS = """
    SELECT external_id, time, speed_kmh, volume_vph, occupancy, travel_time_s
    FROM readings JOIN sensors ON sensors.id = sensor_id
"""


@dataclass(frozen=True)
class Slice:
    path: Path
    start: datetime | None
    end: datetime | None

    def observed(self) -> pd.DataFrame:
        frame, _ = expected.read(self.path)
        if self.start is None or self.end is None:
            return frame
        return expected.ordered(frame[(frame["time"] >= self.start) & (frame["time"] < self.end)])


@pytest.fixture(params=SLICES)
def piece(request: pytest.FixtureRequest, shared_data: Path) -> Slice:
    bounds = SLICES[request.param]
    start, end = map(datetime.fromisoformat, bounds) if bounds else (None, None)
    return Slice(shared_data / expected.ALL[request.param], start, end)


@pytest.fixture
def settings(kafka_bootstrap: str, database_url: str) -> Settings:
    return Settings.model_validate(
        {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "ingest_group": uuid.uuid4().hex}
    )


def stored(database_url: str) -> pd.DataFrame:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(ROWS.encode()).fetchall()
    frame = pd.DataFrame(rows, columns=pd.Index(expected.COLUMNS))
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return expected.ordered(frame)


async def test_every_good_observation_is_stored_exactly_once_as_the_file_has_it(
    piece: Slice, settings: Settings
) -> None:
    published = piece.observed()
    observed = published.drop_duplicates(["sensor", "time"], ignore_index=True)
    url = str(settings.database_url)
    source = ReplaySource(piece.path, speed=None, start=piece.start, end=piece.end)
    async with running_consumer(settings):
        async with open_publisher(str(settings.kafka_bootstrap)) as publisher:
            await source.run(publisher, asyncio.Event())
        await until_query(url, "SELECT count(*) FROM readings", len(observed), timeout=60)
        described = publisher.published[topics.SENSORS.name]
        await until_query(url, "SELECT count(*) FROM sensors WHERE name <> external_id", described)
    assert publisher.published[topics.READINGS.name] == len(published) > 100
    found = stored(url)
    assert (found["sensor"] == observed["sensor"]).all()
    assert (found["time"].astype("int64") == observed["time"].astype(found["time"].dtype).astype("int64")).all()
    for measure in expected.MEASURES:
        np.testing.assert_array_equal(
            found[measure].astype(np.float32).to_numpy(), observed[measure].astype(np.float32).to_numpy()
        )
    assert await fetch_one(url, "SELECT count(*) FROM sensors WHERE external_id = name") == 0


async def test_a_replay_run_twice_stores_nothing_twice(shared_data: Path, settings: Settings) -> None:
    path = shared_data / expected.NYC["2021 tsv"]
    url = str(settings.database_url)
    async with running_consumer(settings), open_publisher(str(settings.kafka_bootstrap)) as publisher:
        for _ in range(2):
            await ReplaySource(path, speed=None).run(publisher, asyncio.Event())
        end = shared_data / expected.WIDE["metr-la 10"]
        last = datetime.fromisoformat("2012-06-04T04:05-07:00")
        await ReplaySource(end, speed=None, start=last).run(publisher, asyncio.Event())
        await until_query(
            url, "SELECT count(*) FROM readings JOIN sensors ON id = sensor_id WHERE kind = 'detector'", 20
        )
        await until_query(
            url, "SELECT count(*) FROM readings JOIN sensors ON id = sensor_id WHERE kind = 'link'", 105
        )
