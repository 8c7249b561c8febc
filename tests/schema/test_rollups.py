"""Every level of the rollups equals a recount of the readings, whatever is written, in whatever order."""

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from schema.chunks import Chunks
from schema.dialect import connectable
from schema.engines import ENGINES, Engine, engine_of
from schema.retention import Retention
from schema.rollups import COLUMNS, FIVE_MINUTES, MEASURES, ROLLUPS, Flag, Rollup
from schema.upgrade import _config, upgrade

START = datetime(2026, 3, 2, tzinfo=UTC)
AREAS = ("north", "south", None)


async def connect(url: str) -> AsyncConnection:
    return await AsyncConnection.connect(url, autocommit=True)


async def describe(connection: AsyncConnection, sensors: int = 6) -> None:
    for number in range(1, sensors + 1):
        await connection.execute(
            "INSERT INTO sensors (external_id, name, area) VALUES (%s, %s, %s)",
            [f"t:{number}", f"sensor {number}", AREAS[number % len(AREAS)]],
        )


Row = tuple[int, datetime, float | None, float | None, float | None, float | None, int | None]


async def write(connection: AsyncConnection, engine: Engine, rows: list[Row]) -> None:
    """As ingest does: what is there already stays."""
    await Chunks(engine).ensure(connection, "readings", {time for _, time, *_ in rows})
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO readings (sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s, flag) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            rows,
        )


def reading(sensor: int, time: datetime, speed_kmh: float, flag: int | None = None) -> Row:
    return (sensor, time, speed_kmh, None, None, None, flag)


def some_reading(chance: random.Random, time: datetime) -> Row:
    return (
        chance.randint(1, 6),
        time,
        chance.choice([None, round(chance.uniform(0, 120), 1)]),
        chance.choice([None, float(chance.randint(0, 2000))]),
        chance.choice([None, round(chance.random(), 3)]),
        chance.choice([None, float(chance.randint(10, 900))]),
        chance.choice([None, None, None, *Flag]),
    )


async def assert_equal_to_recount(connection: AsyncConnection, levels: tuple[Rollup, ...] = ROLLUPS) -> None:
    for rollup in levels:
        kept = await rows_of(connection, f"SELECT * FROM {rollup.name}", rollup)
        counted = await rows_of(connection, recount(rollup), rollup)
        assert kept.keys() == counted.keys(), rollup.name
        for key, row in kept.items():
            expected = counted[key]
            for column in COLUMNS:
                assert same(row[column.name], expected[column.name]), (rollup.name, key, column)
            for measure in MEASURES:
                total, count = expected[f"{measure}_sum"], expected[f"{measure}_count"]
                assert same(row[measure], total / count if count else None), (rollup.name, key, measure)


def same(found: float | None, expected: float | None) -> bool:
    """Equal but for the order in which floating-point numbers were added."""
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9)


async def rows_of(
    connection: AsyncConnection, query: str, rollup: Rollup
) -> dict[tuple[object, datetime], dict[str, float]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode())
        rows = await cursor.fetchall()
    found = {(row[rollup.key], row["time"]): row for row in rows}
    assert len(found) == len(rows), f"{rollup.name} has a bucket twice"
    return found


def recount(rollup: Rollup) -> str:
    """The level computed from the readings, without any other level."""
    key = "sensor_id" if rollup.key == "sensor_id" else "coalesce(sensors.area, 'unassigned')"
    columns = ", ".join(f"{column.of_readings} AS {column.name}" for column in COLUMNS)
    return f"""
        SELECT {key} AS {rollup.key},
               date_bin('{rollup.width.total_seconds()} s', time, timestamptz '2000-01-01Z') AS time, {columns}
        FROM readings JOIN sensors ON sensors.id = sensor_id GROUP BY 1, 2
    """


@pytest.mark.parametrize("seed", range(3))
async def test_every_level_equals_a_recount_after_late_repeated_and_disordered_writes(
    database_url: str, seed: int
) -> None:
    chance, engine = random.Random(seed), engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        for step in range(12):
            newest = START + timedelta(hours=4 * step)
            times = [newest + timedelta(seconds=chance.randrange(4 * 3600)) for _ in range(60)]
            times += [newest - timedelta(seconds=chance.randrange(3 * 86_400)) for _ in range(20)]  # late
            rows = [some_reading(chance, time) for time in times]
            await write(connection, engine, [*rows, *chance.sample(rows, 10)])  # some twice
            if chance.random() < 0.3:
                await connection.execute("UPDATE readings SET flag = 1 WHERE time > %s", [newest])
            if chance.random() < 0.3:
                await connection.execute("DELETE FROM readings WHERE time < %s", [START - timedelta(days=2)])
            if chance.random() < 0.5:
                await engine.refresh(connection, Retention())
        await engine.recompute(connection, START - timedelta(days=4), START + timedelta(days=4), Retention())
        await assert_equal_to_recount(connection)


async def test_what_was_just_written_is_in_every_level_before_any_refresh(database_url: str) -> None:
    chance, engine = random.Random(4), engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        await write(connection, engine, [some_reading(chance, START + n * timedelta(seconds=77)) for n in range(100)])
        await assert_equal_to_recount(connection)
        end = START + timedelta(hours=1)
        await engine.recompute(connection, START, end, Retention())
        newer = [some_reading(chance, START + timedelta(days=2) + n * timedelta(seconds=77)) for n in range(100)]
        await write(connection, engine, newer)
        await assert_equal_to_recount(connection)


async def test_a_late_reading_of_a_compressed_stretch_is_stored_once_and_counted(database_url: str) -> None:
    chance, engine = random.Random(5), engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        rows = [some_reading(chance, START + n * timedelta(minutes=1)) for n in range(1440)]
        await write(connection, engine, rows)
        await engine.recompute(connection, START, START + timedelta(days=1), Retention())
        if engine.name == "timescaledb":
            await connection.execute("SELECT compress_chunk(c) FROM show_chunks('readings') AS c")
        late = reading(3, START + timedelta(hours=5, seconds=1), 50.0)
        await write(connection, engine, [late, late, *rows[:10]])
        await engine.recompute(connection, START, START + timedelta(days=1), Retention())
        count = await (await connection.execute("SELECT count(*) FROM readings")).fetchone()
        assert count == (len({(sensor, time) for sensor, time, *_ in rows}) + 1,)
        await assert_equal_to_recount(connection)


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_a_refresh_rewrites_only_the_buckets_that_were_touched(database_url: str) -> None:
    chance, engine = random.Random(6), engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        await write(connection, engine, [some_reading(chance, START + n * timedelta(minutes=1)) for n in range(3000)])
        await engine.refresh(connection, Retention())
        before = await places(connection)
        await write(connection, engine, [reading(2, START + timedelta(hours=7, seconds=1), 33.0)])
        assert await engine.refresh(connection, Retention()) == 1
        changed = {
            name: len(after - before[name]) for name, after in (await places(connection)).items()
        }  # where a row of each level lies
        assert changed == dict.fromkeys([rollup.name for rollup in ROLLUPS], 1)
        assert await engine.refresh(connection, Retention()) == 0


async def places(connection: AsyncConnection) -> dict[str, set[tuple[object, ...]]]:
    found = {}
    for rollup in ROLLUPS:
        query = f"SELECT tableoid, ctid, xmin::text FROM rollup.{rollup.name}_kept"
        found[rollup.name] = set(await (await connection.execute(query.encode())).fetchall())
    return found


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_a_write_that_commits_during_a_refresh_is_not_forgotten(database_url: str) -> None:
    engine = engine_of(database_url)
    async with await connect(database_url) as connection, await connect(database_url) as writer:
        await describe(connection)
        await write(connection, engine, [reading(1, START, 50.0)])
        async with writer.transaction():
            await writer.execute("INSERT INTO readings (sensor_id, time, speed_kmh) VALUES (2, %s, 60)", [START])
            assert await engine.refresh(connection, Retention()) == 1
        await assert_equal_to_recount(connection)
        assert await engine.refresh(connection, Retention()) == 1
        await assert_equal_to_recount(connection)


#: Readings of `EXPIRED` are past their time.
EXPIRED = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=20)
TEN_DAYS = Retention(timedelta(days=10), timedelta(days=365), alerts=timedelta(days=10))


async def test_readings_past_their_time_are_dropped_and_their_rollups_stay(database_url: str) -> None:
    engine = engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        recent = datetime.now(UTC) - timedelta(days=1)
        await write(connection, engine, [reading(1, EXPIRED, 50.0), reading(1, recent, 60.0)])
        await engine.recompute(connection, EXPIRED, recent, Retention())
        await retire(connection, engine, database_url, "readings")
        left = await (await connection.execute("SELECT time FROM readings")).fetchall()
        assert left == [(recent,)]
        for rollup in ROLLUPS:
            found = await connection.execute(f"SELECT sum(readings) FROM {rollup.name}".encode())
            assert await found.fetchone() == (2,), rollup.name


async def test_attempts_to_tell_of_alerts_go_when_the_alerts_do(database_url: str) -> None:
    engine, now = engine_of(database_url), datetime.now(UTC)
    write = """
        INSERT INTO notification_log (id, time, channel, recipient, outcome) VALUES ('a', %s, 'sms', 'b', 'delivered')
    """
    async with await connect(database_url) as connection:
        times = [now - timedelta(days=60), now]
        await Chunks(engine).ensure(connection, "notification_log", times)
        for time in times:
            await connection.execute(write, [time])
        await retire(connection, engine, database_url, "notification_log")
        found = await connection.execute("SELECT time FROM notification_log")
        assert await found.fetchall() == [(now,)]


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_a_stray_write_to_a_dropped_stretch_leaves_its_rollups_alone(database_url: str) -> None:
    engine = engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        await write(connection, engine, [reading(1, EXPIRED, 50.0), reading(1, EXPIRED + FIVE_MINUTES / 5, 70.0)])
        await engine.refresh(connection, Retention())
        await engine.retire(connection, TEN_DAYS)
        await write(connection, engine, [reading(1, EXPIRED + FIVE_MINUTES / 2, 10.0)])
        await engine.refresh(connection, TEN_DAYS)
        found = await connection.execute("SELECT speed_kmh, readings FROM readings_5m")
        assert await found.fetchall() == [(60.0, 2)]


async def retire(connection: AsyncConnection, engine: Engine, url: str, table: str) -> None:
    """What is older than ten days, now instead of at the next turn of the engine's job."""
    with connectable(url).begin() as sync_connection:
        engine.apply_policies(sync_connection, TEN_DAYS)
    await engine.retire(connection, TEN_DAYS)
    if engine.name == "timescaledb":
        jobs = await connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs "
            "WHERE proc_name = 'policy_retention' AND hypertable_name = %s",
            [table],
        )
        for (job,) in await jobs.fetchall():
            await connection.execute(f"CALL run_job({job})".encode())


async def test_flagged_readings_are_kept_and_counted_and_left_out_of_means(database_url: str) -> None:
    engine = engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        speeds = [(50.0, None), (300.0, Flag.IMPLAUSIBLE), (50.0, Flag.STUCK), (40.0, Flag.LATE)]
        rows: list[Row] = [
            reading(1, START + n * timedelta(seconds=30), speed, flag) for n, (speed, flag) in enumerate(speeds)
        ]
        await write(connection, engine, rows)
        found = await connection.execute(
            "SELECT speed_kmh, speed_kmh_max, readings, good, implausible, stuck FROM readings_1d"
        )
        assert await found.fetchall() == [(50.0, 50.0, 4, 1, 1, 1)]
        assert await (await connection.execute("SELECT count(*) FROM readings")).fetchone() == (4,)


def test_a_database_of_the_first_release_is_upgraded_in_place_without_losing_a_row(empty_database_url: str) -> None:
    from schema.dialect import connectable

    with connectable(empty_database_url).begin() as connection:
        ENGINES[connection.dialect.name].prepare(connection)
        command.upgrade(_config(connection), "0001")
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        if engine_of(empty_database_url).name == "postgresql":
            admin.execute(
                "CREATE TABLE readings_20260302 PARTITION OF readings "
                "FOR VALUES FROM ('2026-03-02Z') TO ('2026-03-09Z')"
            )
        admin.execute("INSERT INTO sensors (external_id, name, area) VALUES ('t:1', 'one', 'north')")
        admin.execute(
            "INSERT INTO readings (sensor_id, time, speed_kmh) "
            "SELECT 1, t, 50 FROM generate_series(timestamptz '2026-03-02Z', '2026-03-07Z', '1 hour') AS t"
        )
    upgrade(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        assert admin.execute("SELECT count(*) FROM readings").fetchone() == (121,)
        for rollup in ROLLUPS:
            assert admin.execute(f"SELECT sum(readings) FROM {rollup.name}".encode()).fetchone() == (121,)


async def test_a_wider_partition_of_an_earlier_release_takes_new_rows(database_url: str) -> None:
    engine = engine_of(database_url)
    async with await connect(database_url) as connection:
        await describe(connection)
        if engine.name == "postgresql":
            await connection.execute(
                "CREATE TABLE readings_wide PARTITION OF readings FOR VALUES FROM ('2026-03-02Z') TO ('2026-03-09Z')"
            )
        rows: list[Row] = [reading(1, START + n * timedelta(days=1), 50.0) for n in range(9)]
        await write(connection, engine, rows)
        await assert_equal_to_recount(connection)


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_the_newest_of_an_area_is_found_without_reading_all_that_is_kept(database_url: str) -> None:
    async with await connect(database_url) as connection:
        engine = engine_of(database_url)
        await describe(connection)
        rows = [reading(number, START + FIVE_MINUTES * step, 50) for number in range(1, 7) for step in range(1000)]
        await write(connection, engine, rows)
        await engine.refresh(connection, Retention())
        await connection.execute("ANALYZE")
        await write(connection, engine, [reading(1, START + FIVE_MINUTES * 1000, 40)])
        asked = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT time FROM area_5m WHERE time >= %s"
        row = await (await connection.execute(asked, [START + FIVE_MINUTES * 1000])).fetchone()
    assert row is not None
    assert rows_read(row[0][0]["Plan"], "readings_5m_kept") < len(rows) / 100


def rows_read(plan: dict[str, Any], beginning: str) -> float:
    """How many rows of the tables whose names begin so a plan has looked at."""
    own = 0.0
    if str(plan.get("Relation Name", "")).startswith(beginning):
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(part, beginning) for part in plan.get("Plans", []))
