"""One run of the insights job, and the insights of a former one that still hold."""

from dataclasses import asdict, astuple, fields
from typing import Final

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pyspark.sql import SparkSession

from schema.database import database_url
from schema.days import Days
from schema.tables import insights
from spark.insights.compute import compute
from spark.insights.insight import Insight
from spark.insights.measures import Reader
from spark.insights.parameters import Parameters
from spark.jdbc import Source
from spark.runs import Result, Run, Say, run_of
from spark.spans import Span
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

JOB: Final = "insights"
COLUMNS: Final = tuple(field.name for field in fields(Insight))

_MEASURED: Final = "SELECT FROM delay_daily WHERE day BETWEEN %s AND %s LIMIT 1"
_FORGET: Final = "run_id IN (SELECT id FROM spark_runs WHERE job = %s AND span_start = %s AND span_end = %s)"
#: Of the newest run over these days with these parameters, unless measures of the days were computed after it.
_STORED: Final = """
    SELECT kind, subject, value, unit, before, detail, rank
    FROM insights
    WHERE run_id = (
        SELECT id FROM spark_runs
        WHERE job = %(job)s AND status = 'succeeded' AND span_start = %(start)s AND span_end = %(end)s
          AND parameters = %(parameters)s AND NOT EXISTS (
              SELECT FROM measures.days WHERE day BETWEEN %(first)s AND %(last)s AND computed_at > started_at
          )
        ORDER BY started_at DESC LIMIT 1
    )
    ORDER BY kind, rank
"""


def run(
    session: SparkSession, settings: Settings, days: Days, parameters: Parameters, say: Say
) -> tuple[Run, list[Insight]]:
    """Compute the insights of `days` and put them in the place of former ones of the same days.

    Raises as `require_measures` does.
    """
    url = database_url(settings)
    require_measures(url, days)
    span = Span(*days.bounds(parameters.time_zone))
    with run_of(JOB, url, span, asdict(parameters), folder=settings.results_dir, say=say) as this:
        reader = Reader(session, Source.of(url), days, days.before, parameters)
        with this.stage("Reading and comparing"):
            found = compute(reader)
        this.rows_in = reader.rows
        rows = [astuple(insight) for insight in found]
        this.store(Result(insights, COLUMNS, rows, _FORGET, (JOB, span.start, span.end)))
    return this, found


def run_within(session: SparkSession, settings: Settings, span: Span, say: Say) -> Run:
    """Those of the days that ended in the span, by the parameters of the settings.

    Raises `ConfigurationError` where no day did, and as `require_measures` does.
    """
    days = Days.ended_in(span.start, span.end, settings.time_zone)
    if days is None:
        raise ConfigurationError("No day ended in the span: choose a longer one for insights.")
    return run(session, settings, days, Parameters(settings.time_zone, settings.planning_percentile), say)[0]


def require_measures(database_url: str, days: Days) -> None:
    """Raises `ConfigurationError` where there are none of `days`."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(_MEASURED, (days.first, days.last)).fetchone()
    if found is None:
        raise ConfigurationError(
            f"There are no measures of {days}: ingest computes them as readings come, and "
            f"`urbanclear schema reprocess --from {days.first} --to {days.last}` those of the past."
        )


def stored(database_url: str, days: Days, parameters: Parameters) -> list[Insight]:
    """Those of a former run that would be no different today; empty where there is none."""
    start, end = days.bounds(parameters.time_zone)
    values = {
        "job": JOB,
        "start": start,
        "end": end,
        "parameters": Jsonb(asdict(parameters)),
        "first": days.before.first,
        "last": days.last,
    }
    with psycopg.connect(database_url) as connection, connection.cursor(row_factory=class_row(Insight)) as cursor:
        return cursor.execute(_STORED, values).fetchall()
