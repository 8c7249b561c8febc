"""The upkeep does what is due, one process at a time, and says how it went."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from prometheus_client import REGISTRY

from schema.engines import engine_of
from schema.measures import statements
from schema.upkeep import _LEAD, AHEAD, Upkeep
from tests.waiting import fetch_one, until_query
from urbanclear.settings import Settings

TASKS = 8
ONLY_PLAIN = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


def settings_of(url: str) -> Settings:
    return Settings.model_validate({"database_url": url})


@asynccontextmanager
async def running(url: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(Upkeep(settings_of(url)).run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await task


async def test_every_task_runs_and_its_success_is_noted(database_url: str) -> None:
    async with running(database_url):
        await until_query(database_url, "SELECT count(last_success) FROM upkeep", TASKS)
    assert await fetch_one(database_url, "SELECT sum(failures) FROM upkeep") == 0


@ONLY_PLAIN
async def test_partitions_are_there_before_they_are_needed(database_url: str) -> None:
    await Upkeep(settings_of(database_url)).once()
    with psycopg.connect(database_url, autocommit=True) as connection:
        for days in range(AHEAD + 1):
            moment = datetime.now(UTC) + timedelta(days=days)
            connection.execute("INSERT INTO readings (sensor_id, time) VALUES (1, %s)", [moment])


@ONLY_PLAIN
async def test_what_is_written_reaches_the_kept_rollups(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO sensors (external_id, name) VALUES ('t:1', 'one')")
        await Upkeep(settings_of(database_url)).once()
        connection.execute("INSERT INTO readings (sensor_id, time, speed_kmh) SELECT id, now(), 50 FROM sensors")
    async with running(database_url):
        await until_query(database_url, "SELECT count(*) FROM rollup.readings_1d_kept", 1)
        await until_query(database_url, "SELECT count(*) FROM rollup.changes", 0)


async def test_a_task_that_fails_is_noted_with_its_error_while_the_others_go_on(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE measures.days RENAME TO lost")
    async with running(database_url):
        await until_query(database_url, "SELECT count(*) FROM upkeep WHERE runs > 0", TASKS)
    failed = "SELECT string_agg(task || ' ' || (error LIKE '%not exist%')::text, ',') FROM upkeep WHERE failures > 0"
    assert await fetch_one(database_url, failed) == "measures true"
    assert (
        await fetch_one(database_url, "SELECT count(*) FROM upkeep WHERE task <> 'measures' AND error IS NULL")
        == TASKS - 1
    )


async def test_of_two_only_one_leads_and_the_other_takes_over(database_url: str) -> None:
    leads = (
        "SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) "
        f"WHERE datname = current_database() AND objid = {_LEAD & 0xFFFFFFFF} AND application_name LIKE '%upkeep'"
    )
    async with running(database_url):
        await until_query(database_url, "SELECT count(*) FROM upkeep", TASKS)
        async with running(database_url):
            await until_query(
                database_url,
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE '%upkeep'",
                1 + TASKS + 1,  # the leader's, one for each of its tasks, and the other's
            )
            assert await fetch_one(database_url, leads) == 1
            with psycopg.connect(database_url, autocommit=True) as admin:
                admin.execute("UPDATE upkeep SET runs = 0")
                admin.execute(leads.replace("count(*)", "pg_terminate_backend(pid)"))
            await until_query(database_url, "SELECT count(*) FROM upkeep WHERE runs > 0", TASKS)
            assert await fetch_one(database_url, leads) == 1


async def test_it_stops_at_once_in_the_middle_of_long_work(database_url: str) -> None:
    await Upkeep(settings_of(database_url)).once()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO sensors (external_id, name) VALUES ('t:1', 'one')")
        connection.execute("INSERT INTO readings (sensor_id, time, speed_kmh) SELECT id, now(), 50 FROM sensors")
    async with await psycopg.AsyncConnection.connect(database_url) as blocker:
        await blocker.execute("LOCK TABLE measures.links IN ACCESS EXCLUSIVE MODE")
        async with running(database_url):
            waiting = (
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database() AND application_name LIKE '%upkeep'"
            )
            await until_query(database_url, waiting, 1)


JOBS = ("patterns", "clusters", "maintenance")


async def test_prometheus_is_told_of_chunks_sizes_lag_and_failing_jobs(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO sensors (external_id, name) VALUES ('t:1', 'one')")
        connection.execute("INSERT INTO upkeep VALUES ('broken', now(), NULL, 1, 3, 3, 'no such thing')")
    upkeep = Upkeep(settings_of(database_url))
    await upkeep.once()

    def value(metric: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"urbanclear_schema_{metric}", labels)

    assert value("size_bytes", relation="readings") == pytest.approx(await size(database_url))
    assert value("chunks", relation="readings") is not None
    assert value("job_failures", name="broken", relation="") == 3
    assert value("job_failing", name="broken", relation="") == 1


async def test_prometheus_is_told_when_batch_jobs_last_succeeded_and_whether_the_last_run_failed(
    database_url: str,
) -> None:
    runs = [
        ("patterns", "succeeded", 3, 2),
        ("patterns", "running", 1, None),
        ("clusters", "succeeded", 4, 3),
        ("clusters", "failed", 2, 1),
        ("maintenance", "failed", 2, 1),
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        now = connection.execute("SELECT now()").fetchone()
        assert now is not None
        for number, (job, status, began, ended) in enumerate(runs):
            connection.execute(
                "INSERT INTO spark_runs (id, job, status, started_at, ended_at, parameters, code_version) "
                "VALUES (%s, %s, %s, %s, %s, '{}', '0')",
                [
                    str(number),
                    job,
                    status,
                    now[0] - timedelta(hours=began),
                    None if ended is None else now[0] - timedelta(hours=ended),
                ],
            )
    await Upkeep(settings_of(database_url)).once()

    def value(name: str, job: str) -> float | None:
        return REGISTRY.get_sample_value(f"urbanclear_schema_batch_{name}", {"batch": job})

    hours_ago = {job: (now[0].timestamp() - (value("success_timestamp_seconds", job) or 0)) / 3600 for job in JOBS}
    assert hours_ago == pytest.approx({"patterns": 2, "clusters": 3, "maintenance": now[0].timestamp() / 3600})
    assert {job: value("failing", job) for job in JOBS} == {"patterns": 0, "clusters": 1, "maintenance": 1}


async def size(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return next(one.bytes for one in await engine_of(url).series(connection) if one.relation == "readings")


async def test_a_search_that_does_not_end_is_given_up_and_begun_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "LONGEST_SEARCH", timedelta(milliseconds=100))
    monkeypatch.setattr("schema.upkeep.ROUND_SECONDS", 0.1)
    error = "SELECT count(*) FROM upkeep WHERE task = 'measures' AND error"
    async with await psycopg.AsyncConnection.connect(database_url) as blocker:
        await blocker.execute("LOCK TABLE measures.days IN ACCESS EXCLUSIVE MODE")
        async with running(database_url):
            await until_query(database_url, f"{error} LIKE '%timeout%'", 1)
            await blocker.rollback()
            await until_query(database_url, f"{error} IS NULL", 1)
