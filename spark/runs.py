"""One run of a job: its record in `spark_runs`, and the one way by which results are written.

Results are kept until the job has done all its work and are then written in one transaction together with the
record's success: a run that fails, or is killed, leaves the former results as they were. A rerun replaces what its
results say that they replace. Each result is also a Parquet file, named by job, table and span, under the folder of
`URBANCLEAR_RESULTS_DIR`.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from sqlalchemy import Table

from schema.batch_runs import LOCK, WAS_KILLED
from schema.chunks import make_chunks
from schema.database import database_url
from schema.engines import engine_of
from schema.tables import TIME_SERIES
from spark.spans import Span, answering
from urbanclear.settings import Settings

Say = Callable[[str], None]

_BEGIN: Final = """
    INSERT INTO spark_runs (id, job, status, span_start, span_end, parameters, code_version)
    VALUES (%s, %s, 'running', %s, %s, %s, %s)
"""
_KILLED: Final = f"""
    UPDATE spark_runs SET status = 'failed', ended_at = clock_timestamp(), error = 'it was killed' WHERE {WAS_KILLED}
"""  # noqa: S608 – our own words
_SUCCEEDED: Final = """
    UPDATE spark_runs
    SET status = 'succeeded', ended_at = clock_timestamp(), rows_in = %s, rows_out = %s, seconds = %s
    WHERE id = %s
"""
_FAILED: Final = """
    UPDATE spark_runs SET status = 'failed', ended_at = clock_timestamp(), rows_in = %s, seconds = %s, error = %s
    WHERE id = %s
"""


@dataclass(frozen=True)
class Result:
    """Rows for `table`, in the order of `columns`, in the place of those for which `forget` (SQL) holds; the run's id
    is added to each row."""

    table: Table
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    forget: str = "true"
    values: Sequence[object] = ()


@dataclass
class Run:
    """What a job is given: it says what it does by stages, and hands its results over."""

    id: str
    job: str
    span: Span
    say: Say
    rows_in: int = 0
    unknown_sensors: int = 0  # of the source, left out
    seconds: dict[str, float] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """What is said of it once it is done."""
        written = {result.table.name: len(result.rows) for result in self.results}
        return {
            "id": self.id,
            "job": self.job,
            "from": self.span.start.isoformat(),
            "to": self.span.end.isoformat(),
            "rows_in": self.rows_in,
            "unknown_sensors": self.unknown_sensors,
            "rows_out": sum(written.values()),
            "written": written,
            "seconds": self.seconds,
        }

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within, and tell of it."""
        self.say(name)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 3)

    def store(self, result: Result) -> None:
        """To be written once the job is done."""
        self.results.append(result)


def newest_runs(settings: Settings, limit: int) -> list[dict[str, Any]]:
    """The records of the newest runs; those that were killed are noted as failed."""
    with answering(database_url(settings)) as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_KILLED)
        return cursor.execute("SELECT * FROM spark_runs ORDER BY started_at DESC LIMIT %s", [limit]).fetchall()


@contextmanager
def run_of(
    job: str,
    url: str,
    span: Span,
    parameters: dict[str, object],
    *,
    folder: Path | None = None,
    say: Say = lambda _: None,
) -> Iterator[Run]:
    """A run of `job`: what it stores is written on leaving, unless by an error, which is noted and raised again."""
    run = Run(f"{job}-{uuid4().hex[:12]}", job, span, say)
    with psycopg.connect(url, autocommit=True) as connection, ExitStack() as cleaning:
        code = version("urbanclear")
        connection.execute(_KILLED)
        connection.execute(LOCK, [run.id])
        connection.execute(_BEGIN, (run.id, job, span.start, span.end, Jsonb(parameters), code))
        try:
            yield run
            with run.stage("Writing"):
                files = [] if folder is None else [_write_parquet(run, result, folder) for result in run.results]
                cleaning.callback(_forget, files)
                for result in run.results:
                    _make_room(connection, url, result)
                with connection.transaction():
                    written = sum(_replace(connection, run, result) for result in run.results)
                    connection.execute(_SUCCEEDED, (run.rows_in, written, Jsonb(run.seconds), run.id))
                for unfinished, finished in files:
                    os.replace(unfinished, finished)
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"[:2_000]
            connection.execute(_FAILED, (run.rows_in, Jsonb(run.seconds), reason, run.id))
            raise


def _forget(files: Iterable[tuple[Path, Path]]) -> None:
    for unfinished, _ in files:
        unfinished.unlink(missing_ok=True)


def _make_room(connection: psycopg.Connection[Any], url: str, result: Result) -> None:
    if result.table.name in TIME_SERIES:
        at = result.columns.index("time")
        make_chunks(connection, engine_of(url), result.table.name, {row[at] for row in result.rows})


def _replace(connection: psycopg.Connection[Any], run: Run, result: Result) -> int:
    """Readers go on with what was there until all of it is in the new rows' place; another run waits."""
    table = sql.Identifier(result.table.name)
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
    connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(table, sql.SQL(result.forget)), result.values)
    with_run = "run_id" in result.table.c
    columns = [*result.columns, "run_id"] if with_run else [*result.columns]
    copying = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        for row in result.rows:
            values = [Jsonb(value) if _is_json(value) else value for value in row]
            copy.write_row([*values, run.id] if with_run else values)
    return len(result.rows)


def _is_json(value: object) -> bool:
    """An object or a list of some; a list of anything else is an array."""
    return isinstance(value, dict) or (isinstance(value, list) and (not value or isinstance(value[0], dict)))


def _write_parquet(run: Run, result: Result, folder: Path) -> tuple[Path, Path]:
    """Beside its place, to be put there when the database has the rows."""
    place = folder / run.job
    place.mkdir(parents=True, exist_ok=True)
    columns = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
    told = [[json.dumps(value) if _is_json(value) else value for value in column] for column in columns]
    table = pa.table(dict(zip(result.columns, told, strict=True)))
    finished = place / f"{result.table.name}_{run.span.start:%Y%m%dT%H%M%S}_{run.span.end:%Y%m%dT%H%M%S}.parquet"
    unfinished = finished.with_suffix(f".{run.id}.unfinished")
    pq.write_table(table.replace_schema_metadata({"run_id": run.id}), unfinished)
    return unfinished, finished
