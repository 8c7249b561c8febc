"""The nightly process, with commands that need no JVM in the place of those that do."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg.types.json import Jsonb

from bench.processes import descendants
from schema.batch_runs import LOCK
from schema.chunks import make_chunks
from schema.engines import engine_of
from spark.nightly import process
from spark.nightly.process import NICENESS, TRAIN, Nightly
from tests.spark.shapes import MIDNIGHT
from tests.waiting import until, until_query
from urbanclear.errors import JavaNotFound
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

WELL, FAILING = ("spark", "runs", "--json"), ("spark", "patterns", "--from", "yesterday")
ENDLESS = ("spark", "nightly")
SOON, NOW, NEVER = timedelta(milliseconds=20), timedelta(), timedelta(days=1)
ZONE = "America/New_York"

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)  # for commands
    return Settings(time_zone=ZONE)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the process has looked at the clock so far."""
    found = Counter[str]()

    async def counted(stop: asyncio.Event, seconds: float) -> bool:
        found["looks"] += 1
        return await stopped_within(stop, seconds)

    monkeypatch.setattr(process, "stopped_within", counted)
    return found


async def several(looks: Counter[str]) -> None:
    before = looks["looks"]

    async def more() -> bool:
        return looks["looks"] > before + 5

    await until(more, what="some more looks at the clock")


def nightly(settings: Settings, *commands: Sequence[str], first_after: timedelta = NEVER) -> Nightly:
    """Due in half a day, unless it is wanted at the start."""
    later = (datetime.now(ZoneInfo(ZONE)) + timedelta(hours=12)).time()
    return Nightly(settings, time(later.hour, later.minute), commands, first_after, SOON)


@asynccontextmanager
async def running(one: Nightly) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(8):
            await task


def ended(command: Sequence[str], outcome: str) -> float:
    labels = {"command": " ".join(command), "outcome": outcome}
    return REGISTRY.get_sample_value("urbanclear_spark_nightly_runs_total", labels) or 0.0


async def until_ended(command: Sequence[str], outcome: str, before: float) -> None:
    async def one_more() -> bool:
        return ended(command, outcome) == before + 1

    await until(one_more, what=f"{command} {outcome}")


def add_readings(url: str, hours: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        times = [MIDNIGHT + timedelta(hours=hour) for hour in range(hours + 1)]
        make_chunks(connection, engine_of(url), "readings", times)
        connection.execute("INSERT INTO sensors (external_id, name) VALUES ('t:1', 'one')")
        connection.execute(
            "INSERT INTO readings (sensor_id, time, speed_kmh) SELECT id, unnest(%s::timestamptz[]), 1 FROM sensors",
            (times,),
        )


def add_run(url: str, status: str) -> None:
    columns = "id, job, status, span_start, span_end, parameters, code_version"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO spark_runs ({columns}) VALUES (%s, 'patterns', %s, %s, %s, %s, '1')".encode(),
            [status, status, MIDNIGHT, MIDNIGHT + timedelta(days=1), Jsonb({})],
        )


def add_model(url: str, trained_at: datetime) -> None:
    columns = "name, trained_at, data_from, data_to, code_version, seed, sha256, path, metrics"
    values = "'network-1', %s, %s, %s, '1', 1, '', '', '{}'"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO forecast_models ({columns}) VALUES ({values})".encode(),
            [trained_at, MIDNIGHT, MIDNIGHT + timedelta(days=4)],
        )


async def test_commands_run_one_after_the_other_when_it_is_time_whatever_becomes_of_the_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, succeeded = ended(FAILING, "failed"), ended(WELL, "succeeded")
    one = nightly(settings, FAILING, WELL)
    night = datetime.now(UTC) + timedelta(milliseconds=100)
    dues = iter([night])
    monkeypatch.setattr(one, "due_after", lambda now: next(dues, now + NEVER))
    async with running(one):
        await until_ended(FAILING, "failed", failed)
        await until_ended(WELL, "succeeded", succeeded)
    assert (ended(FAILING, "failed"), ended(WELL, "succeeded")) == (failed + 1, succeeded + 1)


async def test_it_beats_while_it_waits(settings: Settings) -> None:
    async with running(nightly(settings)):
        await until_query(str(settings.database_url), "SELECT count(*) FROM heartbeats WHERE part = 'jobs'", 1)


async def test_without_patterns_and_with_a_day_of_readings_it_runs_soon_after_the_start_and_once(
    settings: Settings, looks: Counter[str]
) -> None:
    before = ended(WELL, "succeeded")
    async with running(nightly(settings, WELL, first_after=NOW)):
        await until_query(str(settings.database_url), "SELECT count(*) FROM heartbeats", 1)
        assert ended(WELL, "succeeded") == before
        add_readings(str(settings.database_url), hours=26)
        await until_ended(WELL, "succeeded", before)
        await several(looks)
    assert ended(WELL, "succeeded") == before + 1


@pytest.mark.parametrize(
    ("hours", "status", "wanted"),
    [(26, None, True), (26, "failed", True), (26, "succeeded", False), (3, None, False), (0, None, False)],
)
async def test_a_first_run_is_wanted_where_there_are_readings_of_a_day_and_no_patterns(
    settings: Settings, hours: int, status: str | None, wanted: bool
) -> None:
    url = str(settings.database_url)
    if hours:
        add_readings(url, hours)
    if status:
        add_run(url, status)
    assert await nightly(settings).first_wanted() == wanted


async def test_a_run_is_wanted_where_one_was_killed_and_not_where_one_goes_on(settings: Settings) -> None:
    url = str(settings.database_url)
    add_readings(url, 26)
    for status in ("succeeded", "running"):
        add_run(url, status)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as going_on:
        await going_on.execute(LOCK, ["running"])
        assert not await nightly(settings).first_wanted()
    await until(nightly(settings).first_wanted, what="that the run is taken for killed")


@pytest.mark.parametrize(
    ("days", "newest_model", "due"),
    [(11, None, True), (10, None, False), (0, None, False), (11, 8, True), (11, 7, True), (11, 1, False)],
)
async def test_training_is_due_a_week_after_the_last_where_there_are_days_enough(
    settings: Settings, days: int, newest_model: int | None, due: bool
) -> None:
    url = str(settings.database_url)
    if days:
        add_readings(url, days * 24)
    if newest_model is not None:
        add_model(url, datetime.now(UTC) - timedelta(days=newest_model))
    async with await psycopg.AsyncConnection.connect(url) as connection:
        assert await nightly(settings).is_due(connection, TRAIN) == due
        assert await nightly(settings).is_due(connection, WELL)


async def test_a_night_without_days_enough_leaves_training_out_and_counts_no_failure(settings: Settings) -> None:
    before, failed = ended(WELL, "succeeded"), ended(TRAIN, "failed")
    await nightly(settings, TRAIN, WELL).run_all(asyncio.Event())
    assert (ended(WELL, "succeeded"), ended(TRAIN, "failed")) == (before + 1, failed)
    assert ended(TRAIN, "succeeded") == 0


async def test_of_two_processes_one_runs_the_jobs(settings: Settings) -> None:
    before = ended(WELL, "succeeded")
    stop = asyncio.Event()
    async with await psycopg.AsyncConnection.connect(str(settings.database_url), autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", [process.LOCK])
        await nightly(settings, WELL).run_all(stop)
        assert ended(WELL, "succeeded") == before
    await nightly(settings, WELL).run_all(stop)
    assert ended(WELL, "succeeded") == before + 1


async def test_a_stop_ends_the_command_that_runs_which_gives_way_to_others(settings: Settings) -> None:
    before = ended(ENDLESS, "stopped")
    one, stop = nightly(settings, ENDLESS, WELL), asyncio.Event()
    task = asyncio.create_task(one.run_all(stop))
    url = str(settings.database_url)
    await until_query(url, "SELECT count(*) FROM heartbeats", 1)  # the command's own
    [child] = descendants(ENDLESS)
    assert child.nice() >= NICENESS
    stop.set()
    async with asyncio.timeout(5):
        await task
    assert ended(ENDLESS, "stopped") == before + 1
    assert not child.is_running()


async def test_without_java_nothing_is_run_and_it_is_said_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise JavaNotFound("No Java.")

    monkeypatch.setattr(process, "find_java", none)
    said: list[str] = []
    monkeypatch.setattr(process.log, "error", lambda event, **_: said.append(event))
    before, one = ended(WELL, "succeeded"), nightly(settings, WELL)
    for _ in range(2):
        await one.run_all(asyncio.Event())
    assert (ended(WELL, "succeeded"), said) == (before, ["jobs.no_java"])


async def test_a_database_that_is_away_is_waited_for(settings: Settings, looks: Counter[str]) -> None:
    away = Settings.model_validate({"database_url": "postgresql://a@127.0.0.1:1/a", "time_zone": ZONE})
    async with running(nightly(away, WELL, first_after=NOW)):  # which raises on leaving what was raised within
        await several(looks)
