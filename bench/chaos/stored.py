"""What the database holds, compared with what is owed: in the database itself, however many readings that are."""

from collections.abc import Iterable
from typing import Final

from psycopg import AsyncConnection

from bench.chaos.ledger import SHOWN, Findings, Owed
from schema.rollups import COLUMNS, MEASURES, ROLLUPS, UNASSIGNED, Rollup

TOLERANCE: Final = 1e-9  # sums differ by the order in which floating-point numbers are added

_VALUES: Final = ", ".join(MEASURES)
_OWED: Final = f"""
    CREATE TEMP TABLE owed (
        partition integer, "offset" bigint, item integer, sensor text, time timestamptz,
        {", ".join(f"{name} real" for name in MEASURES)}
    )
"""
_COPY: Final = "COPY owed FROM STDIN"
_FIRST: Final = """
    CREATE TEMP TABLE accepted AS
    SELECT DISTINCT ON (sensor, time) * FROM owed ORDER BY sensor, time, partition, "offset", item
"""


def _row(of: str) -> str:
    return f"ROW({', '.join(f'{of}.{name}' for name in MEASURES)})"


_DIFFERENT: Final = f"""
    CREATE TEMP TABLE different AS
    SELECT CASE WHEN found.sensor_id IS NULL THEN 'lost' WHEN accepted.sensor IS NULL THEN 'strange'
                ELSE 'changed' END AS kind,
           format('reading of %s at %s, message %s/%s, element %s: %s stored, %s sent', sensor, time,
                  partition, "offset", item, {_row("found")}, {_row("accepted")}) AS what
    FROM accepted
    FULL JOIN (SELECT coalesce(external_id, 'sensor ' || sensor_id) AS sensor, readings.* FROM readings
               LEFT JOIN sensors ON id = sensor_id) AS found USING (sensor, time)
    WHERE found.sensor_id IS NULL OR accepted.sensor IS NULL OR {_row("found")} IS DISTINCT FROM {_row("accepted")}
"""
_TWICE: Final = """
    INSERT INTO different
    SELECT 'repeated', format('reading of sensor %s at %s, %s times', sensor_id, time, count(*))
    FROM readings GROUP BY sensor_id, time HAVING count(*) > 1
"""
_LATEST: Final = f"""
    SELECT format('latest_readings of sensor %s: %s, not %s', sensor_id, kept, newest)
    FROM latest_readings AS kept FULL JOIN (
        SELECT DISTINCT ON (sensor_id) sensor_id, time, {_VALUES} FROM readings
        WHERE flag IS NULL ORDER BY sensor_id, time DESC
    ) AS newest USING (sensor_id)
    WHERE ROW(kept.time, {_row("kept")}) IS DISTINCT FROM ROW(newest.time, {_row("newest")})
"""


async def compare_readings(connection: AsyncConnection, owed: Iterable[Owed], findings: Findings) -> tuple[int, int]:
    """Every reading owed is stored once with its value, and no other; returns how many were owed and are stored."""
    await connection.execute(_OWED.encode())
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in owed:
            await copy.write_row([*row[:-1], *row.measures])
    for statement in (_FIRST, "ANALYZE accepted", _DIFFERENT, _TWICE):
        await connection.execute(statement.encode())
    kinds = await connection.execute("SELECT kind, count(*) FROM different GROUP BY kind ORDER BY kind")
    for kind, count in await kinds.fetchall():
        shown = await connection.execute("SELECT what FROM different WHERE kind = %s LIMIT %s", [kind, SHOWN])
        findings.add(kind, [what for (what,) in await shown.fetchall()], count)
    return await _count(connection, "accepted"), await _count(connection, "readings")


async def compare_aggregates(connection: AsyncConnection, findings: Findings) -> None:
    """Every rollup that everyone reads, and the newest reading of each sensor, equal a recount of the readings."""
    for query in [*map(_differences, ROLLUPS), _LATEST]:
        wrong = [what for (what,) in await (await connection.execute(query.encode())).fetchall()]
        if wrong:
            findings.add("aggregate", wrong, len(wrong))


async def _count(connection: AsyncConnection, table: str) -> int:
    row = await (await connection.execute(f"SELECT count(*) FROM {table}".encode())).fetchone()
    return int(row[0]) if row else 0


def _recount(rollup: Rollup) -> str:
    """The level computed from the readings, without any other level."""
    key = "sensor_id" if rollup.key == "sensor_id" else f"coalesce(sensors.area, '{UNASSIGNED}')"
    columns = ", ".join(f"{column.of_readings} AS {column.name}" for column in COLUMNS)
    return f"""
        SELECT {key} AS {rollup.key},
               date_bin('{rollup.width.total_seconds()} s', time, timestamptz '2000-01-01Z') AS time, {columns}
        FROM readings JOIN sensors ON sensors.id = sensor_id GROUP BY 1, 2
    """


def _differences(rollup: Rollup) -> str:
    """A line for each bucket that is missing, there without readings, there twice, or has other numbers."""
    means = {f"kept.{name}": f"counted.{name}_sum / nullif(counted.{name}_count, 0)" for name in MEASURES}
    pairs = {**{f"kept.{column.name}": f"counted.{column.name}" for column in COLUMNS}, **means}
    wrong = " OR ".join(_differ(kept, counted) for kept, counted in pairs.items())
    return f"""
        SELECT format('{rollup.name} of %s at %s: %s, not %s', {rollup.key}, time, kept, counted)
        FROM (SELECT *, count(*) OVER (PARTITION BY {rollup.key}, time) AS copies FROM {rollup.name}) AS kept
        FULL JOIN ({_recount(rollup)}) AS counted USING ({rollup.key}, time)
        WHERE copies IS DISTINCT FROM 1 OR {wrong}
    """


def _differ(kept: str, counted: str) -> str:
    apart = f"abs({kept}::float8 - {counted}) > {TOLERANCE} * abs({counted})"
    return f"({kept} IS NULL) <> ({counted} IS NULL) OR {apart}"
