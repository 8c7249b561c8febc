"""Kafka as the source: the topic of readings, from the first message that it still has to the last that is there now.

Messages are decoded by the contract in `schema.events`, and what ingest would make a dead letter is left out.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pyarrow as pa
from aiokafka.errors import KafkaError
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from schema import topics
from schema.events import UNREADABLE, Reading, check_time, decode, decode_readings
from schema.rollups import MEASURES
from schema.topic_reader import open_reader
from spark.sensors import Sensor, sensors_of
from spark.sources.readings import SINGLE, Singles
from urbanclear.errors import ConfigurationError, InvalidEvent
from urbanclear.settings import Settings

_MEASURES: Final = ", ".join(f"{measure} float" for measure in MEASURES)
_DECODED: Final = f"sensor string, time timestamp, {_MEASURES}, part int, place long, item int"
_SCHEMA: Final = pa.schema(
    [
        ("sensor", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        *((measure, pa.float32()) for measure in MEASURES),
        ("part", pa.int32()),
        ("place", pa.int64()),
        ("item", pa.int32()),
    ]
)
#: Messages decoded at once: each may hold thousands of readings.
AT_ONCE: Final = 200


@dataclass(frozen=True)
class Kafka:
    """`stuck_after` as the setting; readings before `oldest` or later than `tolerance` from now are not accepted."""

    bootstrap: str
    sensors: list[Sensor]
    stuck_after: timedelta | None
    oldest: datetime
    tolerance: timedelta

    @classmethod
    def checked(cls, bootstrap: str, database_url: str, settings: Settings) -> "Kafka":
        """One that answers, and the database's sensors, of which there have to be some."""
        asyncio.run(_require(bootstrap))
        sensors = sensors_of(database_url)
        return cls(bootstrap, sensors, settings.stuck_after, settings.oldest_time, settings.future_tolerance)

    def open(self, session: SparkSession) -> Singles:
        """Its messages are decoded here and again for each span that is taken."""
        oldest, tolerance = self.oldest, self.tolerance

        def decoded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for first in range(0, batch.num_rows, AT_ONCE):
                    yield _decoded(batch.slice(first, AT_ONCE), oldest, tolerance)

        options = {
            "kafka.bootstrap.servers": self.bootstrap,
            "subscribe": topics.READINGS.name,
            "startingOffsets": "earliest",
            "endingOffsets": "latest",
            "kafka.isolation.level": "read_committed",
        }
        messages = session.read.format("kafka").options(**options).load().select("value", "partition", "offset")
        arrived = f.struct("part", "place", "item").alias("arrived")
        flags = (f.lit(False).alias("flagged"), f.lit(None).cast("int").alias("flag"), f.lit(1).alias("count"))
        seen = messages.mapInArrow(decoded, _DECODED).select("*", arrived, *flags).select(*SINGLE)
        return Singles(session, "kafka", seen, self.sensors, self.stuck_after)


async def _require(bootstrap: str) -> None:
    try:
        async with open_reader(bootstrap, topics.READINGS.name):
            pass
    except KafkaError as error:
        raise ConfigurationError(
            f"Kafka does not answer: start the stack with `urbanclear up`, or check URBANCLEAR_KAFKA_BOOTSTRAP. "
            f"({error})"
        ) from error


def _decoded(batch: pa.RecordBatch, oldest: datetime, tolerance: timedelta) -> pa.RecordBatch:
    now = datetime.now(UTC)
    columns: list[list[object]] = [[] for _ in _SCHEMA]
    for value, partition, offset in zip(*(batch.column(at).to_pylist() for at in range(3)), strict=True):
        for item, reading in enumerate(readings_in(value or b"")):
            try:
                check_time(reading, now=now, oldest=oldest, future_tolerance=tolerance)
            except InvalidEvent:
                continue
            measures = (getattr(reading, measure) for measure in MEASURES)
            row = (reading.sensor, reading.time.astimezone(UTC), *measures, partition, offset, item)
            for column, one in zip(columns, row, strict=True):
                column.append(one)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, _SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def readings_in(value: bytes) -> Iterator[Reading]:
    """The readings of a message that are such, whatever else is in it."""
    try:
        yield from decode_readings(value)
        return
    except InvalidEvent:
        pass
    try:
        elements = msgspec.json.decode(value, type=list[msgspec.Raw])
    except UNREADABLE:
        return
    for element in elements:
        try:
            yield decode(Reading, bytes(element))
        except InvalidEvent:
            continue
