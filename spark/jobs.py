"""The batch jobs, and how one is run: a Spark session, a span of a city, a record, its results."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final

from pyspark.sql import SparkSession

from schema.database import database_url
from spark.anomalies.job import compute as anomalies
from spark.calendar import Calendar
from spark.city import City, city_of
from spark.clusters.job import compute as clusters
from spark.maintenance.job import compute as maintenance
from spark.patterns.job import compute as patterns
from spark.runs import Run, Say, run_of
from spark.sources.database import Database
from spark.sources.readings import Opened
from spark.spans import Span
from urbanclear.settings import Settings

#: Each takes the run, the city and what else is asked for, and hands its results to the run.
JOBS: Final[dict[str, Callable[..., None]]] = {
    "patterns": patterns,
    "clusters": clusters,
    "anomalies": anomalies,
    "maintenance": maintenance,
}


def run_jobs(
    session: SparkSession,
    settings: Settings,
    asked: Mapping[str, Mapping[str, object]],
    span: Span,
    say: Say,
    source: Opened | None = None,
) -> list[Run]:
    """Run the jobs of these names, each with what is asked of it, over one reading of the span from `source`, or from
    the database.

    Each has a record of its own, and its results are there once it is done. The first that fails ends it, with its
    error.
    """
    url, calendar = database_url(settings), Calendar(settings.time_zone, settings.holidays)
    opened = source or Database(url).open(session)
    of = {"source": opened.name}
    runs: list[Run] = []
    city: City | None = None
    with ExitStack() as reading:
        for name, options in asked.items():
            given = {key: value for key, value in options.items() if value is not None}
            with run_of(name, url, span, {**of, **given}, folder=settings.results_dir, say=say) as run:
                if city is None:
                    city = reading.enter_context(city_of(session, url, run, calendar, opened))
                else:
                    run.rows_in, run.unknown_sensors = runs[0].rows_in, runs[0].unknown_sensors
                JOBS[name](run, city, **given)
            runs.append(run)
    return runs
