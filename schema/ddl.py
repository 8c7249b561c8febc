"""What SQLAlchemy has no words for: hypertables, rollups, columnstore and policies, as typed DDL elements.

Each is compiled for the engine that runs it. Plain PostgreSQL has no counterpart for the columnstore and for
policies: there they compile to an empty `SELECT`, and `schema.upkeep` does the work of the policies.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from schema.dialect import PLAIN, TIMESCALE
from schema.rollups import COLUMNS, FIVE_MINUTES, ROLLUPS, UNASSIGNED, Rollup

NOTHING = "SELECT"
TRIGGERS = {f"changes_by_{event}": event for event in ("insert", "update", "delete")}


@dataclass(eq=False)
class CreateHypertable(ExecutableDDLElement):
    """Turn the just created, empty `table` into a time series in chunks of `chunk`.

    On plain PostgreSQL the table is partitioned as it is created, by the options of `time_series_options`.
    """

    table: str
    chunk: timedelta


@dataclass(eq=False)
class SetChunkInterval(ExecutableDDLElement):
    """Chunks made from now on are as wide as `chunk`."""

    table: str
    chunk: timedelta


@dataclass(eq=False)
class EnableColumnstore(ExecutableDDLElement):
    """Let `relation`, a hypertable or rollup, keep its older chunks by column, each of `segment_by` together."""

    relation: str
    segment_by: str
    rollup: bool = False


@dataclass(eq=False)
class CreateRollup(ExecutableDDLElement):
    """A continuous aggregate with its newest stretch included; on plain PostgreSQL a table and a view over it."""

    rollup: Rollup
    chunk: timedelta


@dataclass(eq=False)
class TrackChanges(ExecutableDDLElement):
    """Remember which buckets of the rollups a write to `table` touches; TimescaleDB does so by itself."""

    table: str


@dataclass(unsafe_hash=True)
class Policy(ExecutableDDLElement):
    """A recurring job of the server's on `relation`."""

    relation: str


@dataclass(unsafe_hash=True)
class ColumnstorePolicy(Policy):
    """Chunks that ended `after` ago are kept by column."""

    after: timedelta


@dataclass(unsafe_hash=True)
class RetentionPolicy(Policy):
    """Chunks that ended `after` ago are dropped."""

    after: timedelta


@dataclass(unsafe_hash=True)
class RefreshPolicy(Policy):
    """`every` so often, what was touched from `start` ago (None: ever) to `end` ago is computed anew."""

    start: timedelta | None
    end: timedelta
    every: timedelta


@dataclass(eq=False)
class RemovePolicy(ExecutableDDLElement):
    """Remove the policy of this kind that the relation has."""

    policy: Policy


def time_series_options(dialect: str) -> dict[str, Any]:
    """Keyword arguments for the `CREATE TABLE` of a time series."""
    return {"postgresql_partition_by": "RANGE (time)"} if dialect == PLAIN else {}


@compiles(CreateHypertable, TIMESCALE)
def _(element: CreateHypertable, compiler: DDLCompiler, **_: object) -> str:
    return f"SELECT create_hypertable('{element.table}', by_range('time', {interval(element.chunk)}))"


@compiles(SetChunkInterval, TIMESCALE)
def _(element: SetChunkInterval, compiler: DDLCompiler, **_: object) -> str:
    return f"SELECT set_chunk_time_interval('{element.table}', {interval(element.chunk)})"


@compiles(EnableColumnstore, TIMESCALE)
def _(element: EnableColumnstore, compiler: DDLCompiler, **_: object) -> str:
    kind = "MATERIALIZED VIEW" if element.rollup else "TABLE"
    return (
        f"ALTER {kind} {element.relation} SET (timescaledb.enable_columnstore, "
        f"timescaledb.segmentby = '{element.segment_by}', timescaledb.orderby = 'time DESC')"
    )


@compiles(CreateRollup, TIMESCALE)
def _(element: CreateRollup, compiler: DDLCompiler, **_: object) -> str:
    rollup = element.rollup
    return f"""
        CREATE MATERIALIZED VIEW rollup.{rollup.name}
        WITH (timescaledb.continuous, timescaledb.materialized_only = false,
              timescaledb.chunk_interval = '{element.chunk.total_seconds():.0f} seconds')
        AS SELECT {_key(rollup)} AS {rollup.key}, time_bucket({interval(rollup.width)}, r.time) AS time,
                  {aggregates(rollup)}
        FROM {source(rollup)} GROUP BY 1, 2 WITH NO DATA
    """


@compiles(ColumnstorePolicy, TIMESCALE)
def _(element: ColumnstorePolicy, compiler: DDLCompiler, **_: object) -> str:
    return f"CALL add_columnstore_policy('{element.relation}', after => {interval(element.after)})"


@compiles(RetentionPolicy, TIMESCALE)
def _(element: RetentionPolicy, compiler: DDLCompiler, **_: object) -> str:
    return f"SELECT add_retention_policy('{element.relation}', {interval(element.after)})"


@compiles(RefreshPolicy, TIMESCALE)
def _(element: RefreshPolicy, compiler: DDLCompiler, **_: object) -> str:
    start = "NULL" if element.start is None else interval(element.start)
    return (
        f"SELECT add_continuous_aggregate_policy('{element.relation}', start_offset => {start}, "
        f"end_offset => {interval(element.end)}, schedule_interval => {interval(element.every)})"
    )


@compiles(RemovePolicy, TIMESCALE)
def _(element: RemovePolicy, compiler: DDLCompiler, **_: object) -> str:
    relation = element.policy.relation
    match element.policy:
        case ColumnstorePolicy():
            return f"CALL remove_columnstore_policy('{relation}')"
        case RetentionPolicy():
            return f"SELECT remove_retention_policy('{relation}')"
        case _:
            return f"SELECT remove_continuous_aggregate_policy('{relation}')"


@compiles(CreateRollup, PLAIN)
def _(element: CreateRollup, compiler: DDLCompiler, **_: object) -> str:
    rollup = element.rollup
    columns = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
    partitioned = "PARTITION BY RANGE (time)" if rollup.is_finest else ""
    return f"""
        CREATE TABLE rollup.{rollup.name}_kept (
            {rollup.key} {rollup.key_type}, time timestamptz, {columns}, PRIMARY KEY ({rollup.key}, time)
        ) {partitioned};
        CREATE VIEW rollup.{rollup.name}_fresh AS {fresh(rollup)};
        CREATE VIEW rollup.{rollup.name} AS
        SELECT kept.* FROM rollup.{rollup.name}_kept AS kept WHERE NOT {_is_touched("kept", rollup)}
        UNION ALL SELECT * FROM rollup.{rollup.name}_fresh
    """


def fresh(rollup: Rollup) -> str:
    """Query of the touched buckets as they are now; each level looks at the one below it once.

    Readings are looked up for each touched bucket; above, what is touched below is taken from there and the rest of
    the bucket from what is kept.
    """
    if rollup.of_readings:
        return recomputed(rollup, source(rollup))
    below = next(one for one in ROLLUPS if one.name == rollup.source)
    members = f"JOIN sensors AS s ON {_area('s')} = changed.area" if rollup.regroups else ""
    member = "s.id" if rollup.regroups else f"changed.{rollup.key}"
    return f"""
        SELECT {_key(rollup)} AS {rollup.key}, {bucket(rollup.width, "r.time")} AS time, {aggregates(rollup)}
        FROM (
            SELECT kept.* FROM ({changed(rollup)}) AS changed {members}
            JOIN rollup.{below.name}_kept AS kept ON kept.{below.key} = {member} AND {_is_within("kept.time", rollup)}
            WHERE NOT {_is_touched("kept", below)}
            UNION ALL SELECT * FROM rollup.{below.name}_fresh
        ) AS r {"JOIN sensors AS s ON s.id = r.sensor_id" if rollup.regroups else ""}
        GROUP BY 1, 2
    """


def _is_within(time: str, rollup: Rollup) -> str:
    """Whether `time`, of a row of the rollup's source, lies in the bucket `changed`.

    Where both are as wide, that is told by equality: of a range whose ends are not known yet, PostgreSQL expects a
    share of all rows, and reads them all.
    """
    if any(below.name == rollup.source and below.width == rollup.width for below in ROLLUPS):
        return f"{time} = changed.time"
    return f"{time} >= changed.time AND {time} < changed.time + {interval(rollup.width)}"


def _is_touched(row: str, rollup: Rollup) -> str:
    return f"""EXISTS (
        SELECT FROM ({changed(rollup)}) AS touched
        WHERE touched.{rollup.key} = {row}.{rollup.key} AND touched.time = {row}.time
    )"""


@compiles(TrackChanges, PLAIN)
def _(element: TrackChanges, compiler: DDLCompiler, **_: object) -> str:
    triggers = "".join(
        f"""
        CREATE TRIGGER {name} AFTER {event} ON {element.table}
        REFERENCING {"OLD" if event == "delete" else "NEW"} TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION rollup.note_changes();
        """
        for name, event in TRIGGERS.items()
    )
    touched = bucket(FIVE_MINUTES, "time")
    return f"""
        CREATE TABLE rollup.changes (sensor_id integer NOT NULL, time timestamptz NOT NULL);
        CREATE FUNCTION rollup.note_changes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO rollup.changes
            SELECT DISTINCT sensor_id, {touched} FROM changed;
            RETURN NULL;
        END $$;
        INSERT INTO rollup.changes
        SELECT DISTINCT sensor_id, {touched} FROM {element.table};
        {triggers}
    """


for _element in (
    CreateHypertable,
    SetChunkInterval,
    EnableColumnstore,
    ColumnstorePolicy,
    RetentionPolicy,
    RefreshPolicy,
    RemovePolicy,
):
    compiles(_element, PLAIN)(lambda *_, **__: NOTHING)
compiles(TrackChanges, TIMESCALE)(lambda *_, **__: NOTHING)


def interval(width: timedelta) -> str:
    """`width` as an SQL literal."""
    return f"interval '{width.total_seconds():.0f} seconds'"


def _area(sensors: str) -> str:
    return f"coalesce({sensors}.area, '{UNASSIGNED}')"


def _key(rollup: Rollup) -> str:
    """The key of a row `r` of the rollup's source."""
    return _area("s") if rollup.regroups else f"r.{rollup.key}"


def bucket(width: timedelta, time: str) -> str:
    """The start of the bucket that `time`, an SQL expression, falls into."""
    return f"date_bin({interval(width)}, {time}, timestamptz 'epoch')"


def aggregates(rollup: Rollup) -> str:
    """The select list that computes the rollup's columns."""
    return ", ".join(f"{c.of_readings if rollup.of_readings else c.of_rollup} AS {c.name}" for c in COLUMNS)


def source(rollup: Rollup, suffix: str = "") -> str:
    """What the rollup is computed from, as `r`; with the sensors as `s` where it gathers them into areas."""
    relation = "readings" if rollup.of_readings else f"rollup.{rollup.source}{suffix}"
    return f"{relation} AS r" + (" JOIN sensors AS s ON s.id = r.sensor_id" if rollup.regroups else "")


def changed(rollup: Rollup) -> str:
    """Query of the rollup's buckets that writes have touched since the last refresh, on plain PostgreSQL."""
    start = bucket(rollup.width, "c.time")
    if rollup.key == "sensor_id":
        return f"SELECT DISTINCT c.sensor_id, {start} AS time FROM rollup.changes AS c"
    return (
        f"SELECT DISTINCT {_area('s')} AS area, {start} AS time "
        f"FROM rollup.changes AS c JOIN sensors AS s ON s.id = c.sensor_id"
    )


def recomputed(rollup: Rollup, relation: str) -> str:
    """Query of the rollup's touched buckets as they are now, from `relation`; a bucket left empty has no row."""
    return f"""
        SELECT changed.{rollup.key}, changed.time, fresh.* FROM ({changed(rollup)}) AS changed
        CROSS JOIN LATERAL (
            SELECT {aggregates(rollup)} FROM {relation}
            WHERE {_key(rollup)} = changed.{rollup.key} AND {_is_within("r.time", rollup)}
            HAVING count(*) > 0
        ) AS fresh
    """
