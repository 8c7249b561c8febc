"""The readings that Kafka carries, as a streaming frame.

Messages are as `schema.events` has them: one reading, or an array of them. What is none is left out: ingest makes a
dead letter of it. Times need an offset here too, since a naive one would be read as UTC, and may not lie in the
future: the readings after such a one would all seem to be old.
"""

from datetime import datetime
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from schema import topics
from schema.database import kafka_bootstrap
from schema.retention import Retention
from schema.rollups import MEASURES
from urbanclear.settings import Settings

_MESSAGE: Final = "array<struct<sensor: string, time: string, {}>>".format(
    ", ".join(f"{measure}: double" for measure in MEASURES)
)
_STRICT: Final = {"allowNonNumericNumbers": "false"}
_WITH_OFFSET: Final = r"(Z|z|[+-]\d\d:?\d\d)$"


def readings_of(session: SparkSession, settings: Settings, *, from_start: bool = False) -> DataFrame:
    """`sensor`, `time_us` (since 1970), the measures, and `published_ms`, when Kafka had it.

    A query without a checkpoint begins with what comes from now on, or with all that Kafka has. One that Kafka has
    no longer all readings for fails.
    """
    messages = (
        session.readStream.format("kafka")
        .option("kafka.bootstrap.servers", kafka_bootstrap(settings))
        .option("subscribe", topics.READINGS.name)
        .option("startingOffsets", "earliest" if from_start else "latest")
        .option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", settings.stream_batch_messages)
        .load()
    )
    return parsed(messages, settings)


def parsed(messages: DataFrame, settings: Settings) -> DataFrame:
    """The readings in `messages`, of the form that Kafka's have in Spark."""
    readings = messages.select(
        f.col("timestamp").alias("published"),
        f.explode(f.from_json(f.col("value").cast("string"), _MESSAGE, _STRICT)).alias("r"),
    ).select("published", "r.*")
    timed = readings.where(f.col("time").rlike(_WITH_OFFSET)).withColumn("at", f.try_to_timestamp("time"))
    return timed.where(_acceptable(Retention.of(settings).oldest_accepted(settings), settings)).select(
        "sensor",
        f.unix_micros("at").alias("time_us"),
        *(f.col(measure).cast("float") for measure in MEASURES),
        f.unix_millis("published").alias("published_ms"),
    )


def _acceptable(oldest: datetime, settings: Settings) -> Column:
    """As ingest has it; `current_timestamp` is that of the batch."""
    latest = f.current_timestamp() + settings.future_tolerance
    negative = (f.coalesce(f.col(measure), f.lit(0.0)) < 0 for measure in MEASURES)
    accepted = f.col("sensor").isNotNull() & (f.col("at") >= f.lit(oldest)) & (f.col("at") <= latest)
    for one in negative:
        accepted &= ~one
    return accepted & (f.col("speed_kmh").isNotNull() | f.col("volume_vph").isNotNull())
