"""Ways to store readings exactly once, in one run: what a unique key costs, and what a staging table on top of it.

Every way writes the same rows (1,000 sensors every 30 s) in the same batches, one transaction each, into an empty
time series of the server's engine. The bare part is COPY into an unlogged table without an index.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import REAL

from bench.database import fresh_database
from bench.figures import Figure, figure
from schema.ddl import CreateHypertable, time_series_options
from schema.dialect import PLAIN, connectable
from schema.upgrade import upgrade
from urbanclear.settings import Settings

Say = Callable[[str], None]
Row = tuple[int, datetime, float, float, float, None]

SENSORS, BATCH, RUNS = 1_000, 5_000, 3
TYPES = ("int4", "timestamptz", "float4", "float4", "float4", "float4")
MEASURES = ("speed_kmh", "volume_vph", "occupancy", "travel_time_s")
COLUMNS = ", ".join(("sensor_id", "time", *MEASURES))


@dataclass(frozen=True)
class Way:
    """A way to write: the key of its table, further indexes, and how a batch is stored."""

    name: str
    key: tuple[str, ...]
    store: Callable[[psycopg.Cursor, Sequence[Row]], None]
    index: str | None = None
    share: float = 1.0


def _copy(cursor: psycopg.Cursor, rows: Sequence[Row], table: str = "measured") -> None:
    with cursor.copy(f"COPY {table} ({COLUMNS}) FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.set_types(TYPES)
        for row in rows:
            copy.write_row(row)


def _stage(cursor: psycopg.Cursor, rows: Sequence[Row]) -> None:
    _copy(cursor, rows, "staged")
    cursor.execute(f"INSERT INTO measured ({COLUMNS}) SELECT {COLUMNS} FROM staged ON CONFLICT DO NOTHING".encode())
    cursor.execute("TRUNCATE staged")


def _copy_with_offset(cursor: psycopg.Cursor, rows: Sequence[Row]) -> None:
    _copy(cursor, rows)
    cursor.execute("UPDATE offsets SET next = next + %s WHERE partition = 0 AND generation = 1", [len(rows)])


def _insert_many(cursor: psycopg.Cursor, rows: Sequence[Row]) -> None:
    cursor.executemany(
        f"INSERT INTO measured ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", rows
    )


KEY = ("sensor_id", "time")
WAYS = (
    Way("copy", KEY, _copy),
    Way("copy_key_by_time", ("time", "sensor_id"), _copy),
    Way("copy_and_time_index", KEY, _copy, index="time"),
    Way("staging", KEY, _stage),
    Way("copy_no_key_offsets", (), _copy_with_offset),
    Way("executemany", KEY, _insert_many, share=0.05),
)


async def measure(settings: Settings, rows: int, say: Say) -> tuple[str, list[Figure]]:
    """The engine's name and the rows a second of each way, in `RUNS` rounds of all of them."""
    async with fresh_database(settings) as url:
        await asyncio.to_thread(upgrade, url, settings)
        return await asyncio.to_thread(_measure, url, rows, say)


def _measure(url: str, rows: int, say: Say) -> tuple[str, list[Figure]]:
    batches = _batches(rows)
    rates: dict[str, list[float]] = {way.name: [] for way in WAYS}
    bare = []
    for number in range(RUNS):
        for way in WAYS:
            say(f"round {number + 1} of {RUNS}: {way.name}")
            dialect = _empty_table(url, way)
            rates[way.name].append(_rate(url, way.store, batches[: max(1, int(len(batches) * way.share))]))
        say(f"round {number + 1} of {RUNS}: bare")
        _empty_table(url, None)
        bare.append(_rate(url, _copy, batches))
    return dialect, [figure(f"{name}_rows_per_s", "1/s", values, bare) for name, values in rates.items()]


def _batches(rows: int) -> list[list[Row]]:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    made: list[Row] = [
        (n % SENSORS + 1, start + n // SENSORS * timedelta(seconds=30), n % 90 / 10, float(n % 7), 0.1, None)
        for n in range(rows)
    ]
    return [made[at : at + BATCH] for at in range(0, rows, BATCH)]


def _empty_table(url: str, way: Way | None) -> str:
    with connectable(url).begin() as connection:
        for name in ("measured", "offsets"):
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        connection.execute(text("CREATE TABLE offsets AS SELECT 0 AS partition, 1 AS generation, 0::bigint AS next"))
        _create(connection, way)
        return connection.dialect.name


def _create(connection: Connection, way: Way | None) -> None:
    dialect = connection.dialect.name
    key = [PrimaryKeyConstraint(*way.key)] if way and way.key else []
    options = {"prefixes": ["UNLOGGED"]} if way is None else time_series_options(dialect)
    Table(
        "measured",
        MetaData(),
        Column("sensor_id", Integer, nullable=False, autoincrement=False),
        Column("time", DateTime(timezone=True), nullable=False),
        *(Column(name, REAL) for name in MEASURES),
        Column("flag", SmallInteger),
        *key,
        **options,
    ).create(connection)
    if way is None:
        return
    if dialect == PLAIN:
        connection.execute(text("CREATE TABLE measured_all PARTITION OF measured DEFAULT"))
    connection.execute(CreateHypertable("measured", timedelta(days=1)))
    connection.execute(text("DROP INDEX IF EXISTS measured_time_idx"))
    if way.index:
        connection.execute(text(f"CREATE INDEX ON measured ({way.index})"))


def _rate(url: str, store: Callable[[psycopg.Cursor, Sequence[Row]], None], batches: list[list[Row]]) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE staged (LIKE measured)")
        began = time.perf_counter()
        for batch in batches:
            with connection.transaction(), connection.cursor() as cursor:
                store(cursor, batch)
        return sum(map(len, batches)) / (time.perf_counter() - began)
