"""A source of readings as a job is given it: in a Spark of its own, over the span that was asked for, with a bar."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import SparkSession

from spark.progress import progress_bar
from spark.runs import Say
from spark.session import spark_session
from spark.sources.readings import Opened
from spark.sources.source import source_of
from spark.spans import Asked, Span
from urbanclear.settings import Settings


@dataclass(frozen=True)
class Opening:
    """`say` shows what is done now, beside how many of Spark's tasks of it are done."""

    session: SparkSession
    source: Opened
    span: Span
    say: Say


@contextmanager
def opened(settings: Settings, named: str, asked: Asked, job: str, master: str | None) -> Iterator[Opening]:
    """The source that `named` says, for as long as a job takes. Raises `ConfigurationError` where nothing can come of
    it, before Spark is started where that is known then."""
    source = source_of(named, settings)
    with (
        progress_bar() as bar,
        spark_session(settings, job, master) as session,
        bar.watching(session.sparkContext) as say,
    ):
        say("Looking at the source")
        found = source.open(session)
        yield Opening(session, found, asked.span(found.newest), say)
