"""The streaming query: from Kafka's offsets, which its checkpoint keeps, to the sink.

Spark plans a batch, notes its offsets, has it done and notes that; killed in between, it does the same batch again
under the same number, which the sink knows. While Kafka is away the query is begun anew every few seconds.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Final

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from schema.database import database_url
from spark.stream.readings import readings_of
from spark.stream.sink import Sink, Tally
from urbanclear.errors import ConfigurationError, UrbanclearError
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("stream")

EVERY: Final = "500 milliseconds"
LOOK_S: Final = 0.2
AWAY_S: Final = 5.0
_QUERY_ID: Final = "sql.streaming.queryId"  # as Spark calls it in the threads of a query
#: Of Spark's errors; what fails within a task is told by its class alone.
_DATA_LOSS: Final = ("[KAFKA_DATA_LOSS", "OffsetOutOfRangeException")
_AWAY: Final = ("org.apache.kafka.common.errors.RetriableException", "java.util.concurrent.TimeoutException")

Report = Callable[[Tally], None]


class Stream:
    """Anomalies as they happen, from Kafka into the database of the settings."""

    def __init__(
        self, session: SparkSession, settings: Settings, *, from_start: bool = False, once: bool = False
    ) -> None:
        self._session, self._settings, self._from_start = session, settings, from_start
        self._trigger = {"availableNow": True} if once else {"processingTime": EVERY}
        self._once = once
        self._failure: UrbanclearError | None = None
        self._writing = threading.Lock()
        self.tally = Tally()

    def run(self, stop: threading.Event, report: Report = lambda tally: None) -> None:
        """Until `stop` is set, or all is done where it runs `once`; `report` is told several times a second what was
        done.

        Raises `ConfigurationError` where the checkpoint does not belong to this Kafka or this database.
        """
        while not stop.is_set():
            try:
                self._run_query(stop, report)
                if self._once:
                    return
            except StreamingQueryException as error:
                self._explain(error)
                log.warning("kafka_away", error=str(error).splitlines()[0])
                stop.wait(AWAY_S)

    def _run_query(self, stop: threading.Event, report: Report) -> None:
        sink = Sink(database_url(self._settings), self._settings, self.tally, fresh=self._from_start)
        query = self._started(sink)
        log.info("stream_started", query=str(query.id), checkpoint=str(self._settings.stream_checkpoint))
        try:
            while not stop.wait(LOOK_S) and query.isActive:
                report(self.tally)
            if not query.isActive:
                query.awaitTermination()
        finally:
            sink.stopping.set()
            with self._writing:
                pass  # a batch on its way is done first
            query.stop()
            sink.close()

    def _started(self, sink: Sink) -> StreamingQuery:
        def take(batch: DataFrame, batch_id: int) -> None:
            query_id = str(self._session.sparkContext.getLocalProperty(_QUERY_ID))
            try:
                with self._writing:
                    sink.take(query_id, batch_id, batch.toArrow())
            except UrbanclearError as error:
                self._failure = error
                raise

        writer = readings_of(self._session, self._settings, from_start=self._from_start).writeStream
        place = self._settings.stream_checkpoint.absolute()
        return (
            writer.queryName("anomalies")
            .foreachBatch(take)
            .option("checkpointLocation", place.as_uri())
            .trigger(**self._trigger)
            .start()
        )

    def _explain(self, error: StreamingQueryException) -> None:
        """Return where Kafka is away; else raise what is wrong."""
        if self._failure is not None:
            raise self._failure from error
        told = " ".join([str(error), *_java_classes(error)])
        if any(name in told for name in _DATA_LOSS):
            raise ConfigurationError(
                f"Kafka has no longer the readings where the stream stopped, or is not the one that it read: remove "
                f"{self._settings.stream_checkpoint} to go on with what comes from now on; `urbanclear spark "
                f"anomalies` finds what was missed."
            ) from error
        if not any(name in told for name in _AWAY):
            raise error


def _java_classes(error: StreamingQueryException) -> Iterator[str]:
    """The names of the classes of Java's exceptions behind `error`, and of what they are derived from."""
    cause = getattr(error, "_origin", None)
    while cause is not None:
        kind = cause.getClass()
        while kind is not None:
            yield kind.getName()
            kind = kind.getSuperclass()
        cause = cause.getCause()
