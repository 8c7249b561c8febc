"""Migrations bring any server to the schema that the code describes, and leave it alone when it is there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from schema.check import find_drift
from schema.chunks import Chunks
from schema.dialect import connectable
from schema.engines import engine_of
from schema.engines.plain import PlainPostgres
from schema.engines.timescale import check_version
from schema.tables import TIME_SERIES
from schema.upgrade import current_revision, newest_revision, upgrade
from urbanclear.errors import StartError
from urbanclear.settings import Settings


def connect(url: str) -> Connection:
    return connectable(url).connect()


def test_a_fresh_database_is_brought_to_what_the_code_describes(database_url: str) -> None:
    with connect(database_url) as connection:
        assert current_revision(connection) == newest_revision()
    assert find_drift(database_url, Settings()) == []


def test_upgrading_again_changes_nothing_and_keeps_every_row(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO sensors (external_id, name) VALUES ('t:1', 'one')")
    upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT external_id FROM sensors").fetchall() == [("t:1",)]


def test_of_two_upgrades_at_once_one_waits_and_both_succeed(empty_database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(upgrade, [empty_database_url] * 2))
    assert results == [newest_revision()] * 2


def test_a_failed_upgrade_leaves_the_database_as_it_was(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE heartbeats (mine int)")  # the last table the migration makes
    with pytest.raises(StartError, match="heartbeats"):
        upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        tables = connection.execute("SELECT relname FROM pg_class WHERE relname IN ('sensors', 'readings')")
        assert tables.fetchall() == []


def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(
        StartError, match=r"^The schema could not be upgraded: .*refused.* Check URBANCLEAR_DATABASE_URL\.$"
    ):
        upgrade("postgresql://nobody:nothing@127.0.0.1:1/none")


def test_a_server_that_is_too_old_is_a_clear_error(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.upgrade.OLDEST_SERVER", 99)
    with pytest.raises(StartError, match=r"^The server is PostgreSQL \d+\.\d+; Urbanclear needs 99 or newer\.$"):
        upgrade(empty_database_url)


def test_an_extension_that_is_too_old_is_a_clear_error() -> None:
    with pytest.raises(StartError, match=r"^The server has TimescaleDB 2\.9\.3; Urbanclear needs 2\.23 or newer\.$"):
        check_version("2.9.3", None)


def test_an_extension_whose_update_was_forgotten_is_a_clear_error() -> None:
    with pytest.raises(StartError, match="run `ALTER EXTENSION timescaledb UPDATE`"):
        check_version("2.29.2", "2.28.0")


def test_an_extension_newer_than_tested_is_used_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    check_version("2.29.2", "2.29.2")
    assert "extension_untested" not in capsys.readouterr().out
    check_version("3.1.0", None)
    assert "extension_untested" in capsys.readouterr().out


def test_the_engine_is_decided_by_the_server(database_url: str, request: pytest.FixtureRequest) -> None:
    expected = {"embedded": "postgresql", "timescaledb": "timescaledb"}
    assert engine_of(database_url).name == expected[request.node.callspec.params["server_url"]]


async def test_rows_of_any_time_find_a_chunk(database_url: str) -> None:
    moments = [
        datetime(2017, 9, 4, tzinfo=UTC),
        datetime(2026, 3, 2, 23, 59, tzinfo=UTC),
        datetime(2000, 1, 1, tzinfo=UTC),
    ]
    chunks = Chunks(engine_of(database_url))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for table in TIME_SERIES:
            await chunks.ensure(connection, table, moments)
        for moment in moments:
            await connection.execute("INSERT INTO readings (sensor_id, time) VALUES (1, %s)", [moment])
        found = await (await connection.execute("SELECT time FROM readings ORDER BY time")).fetchall()
    assert [time for (time,) in found] == sorted(moments)


@given(
    time=st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    table=st.sampled_from(sorted(TIME_SERIES)),
)
def test_a_partition_covers_the_time_it_is_made_for_and_its_neighbour_begins_where_it_ends(
    time: datetime, table: str
) -> None:
    engine, width = PlainPostgres(), TIME_SERIES[table]
    [(name, ddl)] = engine.partitions(table, [time]).items()
    start, end = (datetime.fromisoformat(word) for word in ddl.split("'")[1::2])
    assert start <= time < end
    assert end - start == width
    [(following, _)] = engine.partitions(table, [time + width]).items()
    assert following != name
    assert set(engine.partitions(table, [start, end - timedelta(microseconds=1)])) == {name}
