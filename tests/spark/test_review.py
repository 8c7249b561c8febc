"""What docs/anomalies-read.md says of New York's real days is what a review of them says."""

import asyncio
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from psycopg import AsyncConnection, sql
from pyspark.sql import SparkSession

from ingest.sources.replay.collisions import read_collisions
from ingest.sources.replay.rows import Window
from schema.chunks import make_chunks
from schema.database import database_url as url_of
from schema.engines import engine_of
from schema.events import Incident
from schema.retention import Retention
from spark.calendar import Calendar
from spark.jobs import run_jobs
from spark.review.cli import METRES, MINUTES
from spark.review.coincidence import Review, within
from spark.review.days import by_day
from spark.review.ground import distances_m
from spark.review.observed import observed
from spark.review.pictures import draw_all
from spark.spans import Span
from tests.ingest.sources.replay.collecting import replayed
from tests.ingest.storing import Store
from tests.readings import NOTE_LATEST
from tests.spark.review_rows import day_row, incident_row
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "anomalies-read.md").read_text()
TEXT = " ".join(PAGE.split())
ROWS = {row for row in PAGE.splitlines() if re.match(r"\| \d", row)}
#: The span, its speeds and its collisions.
JANUARY = (
    Span(datetime.fromisoformat("2018-01-01T00:00:00-05:00"), datetime.fromisoformat("2018-01-14T00:00:00-05:00")),
    "nyc/dot_speeds_2018-01-01_2018-01-13_dev.csv.gz",
    "nyc/nypd_collisions_2018-01_partial.csv.gz",
)
SEPTEMBER = (
    Span(datetime.fromisoformat("2017-09-27T00:00:00-04:00"), datetime.fromisoformat("2017-10-15T00:00:00-04:00")),
    "nyc/dot_speeds_2017-09-04_2017-10-14_dev.csv.gz",
    "nyc/nypd_collisions_2017-09-25_2017-10-01.csv.gz",
)


@pytest.fixture
def server_url(embedded_postgres: str) -> str:
    """One engine is enough: the jobs are tested on both."""
    return embedded_postgres


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    given = {"database_url": database_url, "time_zone": "America/New_York", "results_dir": tmp_path / "results"}
    return Settings.model_validate(given)


async def load(url: str, span: Span, speeds: Path, collisions: Path) -> None:
    """What a replay publishes of the span, into a database and its rollups."""
    told = await replayed(speeds, start=span.start, end=span.end)
    incidents = read_collisions(collisions, Window(span.start, span.end))
    async with await AsyncConnection.connect(url, autocommit=True) as connection, Store(url) as ingest:
        await ingest.store([*told.sensors.values(), *(one for one in incidents if isinstance(one, Incident))])
        found = await connection.execute("SELECT external_id, id FROM sensors")
        ids = {f"{name}": int(number) for name, number in await found.fetchall()}
        await asyncio.to_thread(
            _copy, url, span, [(ids[one.sensor], one.time, one.speed_kmh) for one in told.readings]
        )
        await engine_of(url).catch_up(connection, Retention())


def _copy(url: str, span: Span, rows: list[tuple[int, datetime, float | None]]) -> None:
    """Each reading once, as ingest stores it."""
    with psycopg.connect(url, autocommit=True) as connection:
        days = range((span.end - span.start).days + 2)
        make_chunks(connection, engine_of(url), "readings", [span.start + timedelta(days=day) for day in days])
        copying = sql.SQL("COPY readings (sensor_id, time, speed_kmh) FROM STDIN (FORMAT BINARY)")
        with connection.cursor().copy(copying) as copy:
            copy.set_types(["int4", "timestamptz", "float4"])
            for row in {row[:2]: row for row in reversed(rows)}.values():
                copy.write_row(row)
        connection.execute(NOTE_LATEST)


@pytest.mark.parametrize("days", [JANUARY, SEPTEMBER], ids=["january", "september"])
async def test_the_page_says_what_the_jobs_find_on_new_yorks_real_days(
    days: tuple[Span, str, str], session: SparkSession, settings: Settings, shared_data: Path, tmp_path: Path
) -> None:
    (span, speeds, collisions), url = days, url_of(settings)
    await load(url, span, shared_data / speeds, shared_data / collisions)
    await asyncio.to_thread(run_jobs, session, settings, {"patterns": {}, "anomalies": {}}, span, lambda _: None)
    calendar = Calendar(settings.time_zone, settings.holidays)
    city = observed(url, span, calendar)
    review = Review(city)
    said = [incident_row(review.coincidence(metres, minutes)) for metres in METRES for minutes in MINUTES]
    said += [day_row(day) for day in by_day(city)] if days == JANUARY else []
    assert [row for row in said if row not in ROWS] == []
    assert f"of {len(city.incidents):,} collisions with a place" in TEXT
    if days == JANUARY:
        drawn = draw_all(city, review, ZoneInfo(settings.time_zone), METRES[0], tmp_path / "pictures")
        assert [file.name for file in drawn] == ["days.png", "drops.png", "incidents.png"]
        assert all(file.stat().st_size < 120_000 for file in drawn)
    else:
        assert f"Nor is every drop a collision: {len(city.drops)} began" in TEXT


def test_what_the_text_says_is_in_its_tables() -> None:
    cells = {tuple(row.strip("| ").split(" | ")) for row in ROWS}
    [storm] = [row for row in cells if row[0] == "2018-01-04"]
    assert f"{storm[5]} drops began on the 4th at {storm[6]} sensors, {storm[7]} of them at once" in TEXT
    others = [int(row[5]) for row in cells if row[0].startswith("2018") and row != storm]
    assert f"on the other days {min(others)} to {max(others)} began" in TEXT
    assert f"{1 - float(storm[4].rstrip('%')) / 100:.0%}".replace("%", " %") + " of what was slow" in TEXT
    near = max((row for row in cells if row[:2] == ("50 m", "15 min")), key=lambda row: int(row[2]))
    assert f"{near[3]} of {near[2]} collisions are met and {near[8]} would be by chance" in TEXT
    assert f"{1 - int(near[3]) / int(near[2]):.0%}".replace("%", " %") + " of the collisions of September" in TEXT
    assert f"{near[6]} of {near[2]}, slowed no sensor" in TEXT
    far = max((row for row in cells if row[:2] == ("300 m", "60 min")), key=lambda row: int(row[2]))
    assert f"{far[3]} are met against {far[8]}" in TEXT


def test_without_results_there_is_nothing_to_review(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="run `urbanclear spark patterns` and `urbanclear spark anomalies`"):
        observed(url_of(settings), JANUARY[0], Calendar("UTC", "US"))


@pytest.mark.parametrize(
    ("line", "metres"),
    [([[0.0, 0.001], [0.0, 0.002]], 111), ([[-1.0, 0.001], [1.0, 0.001]], 111), ([[0.001, 0.0]], 111)],
)
def test_a_line_is_as_far_as_its_nearest_place(line: list[list[float]], metres: float) -> None:
    assert distances_m(0.0, 0.0, [np.array(line), np.empty((0, 2))]) == pytest.approx([metres, np.inf], rel=0.01)


def test_what_comes_within_some_steps_is_seen_from_each_of_them() -> None:
    [seen] = within(np.array([[False, False, False, True, False]]), 2)
    assert [*seen] == [False, True, True, True, False]
