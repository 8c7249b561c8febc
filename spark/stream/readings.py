"""The readings that Kafka carries, as a streaming frame.

Messages are as `schema.events` has them: one reading, or an array of them. What is none is left out: ingest makes a
dead letter of it. Times need an offset here too, since a naive one would be read as UTC.
"""

from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from schema import topics
from schema.database import kafka_bootstrap
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
    return parsed(messages)


def parsed(messages: DataFrame) -> DataFrame:
    """The readings in `messages`, of the form that Kafka's have in Spark.

    Nothing here depends on the clock: Spark would compile the plan of each batch anew.
    """
    readings = messages.select(
        f.col("timestamp").alias("published"),
        f.explode(f.from_json(f.col("value").cast("string"), _MESSAGE, _STRICT)).alias("r"),
    ).select("published", "r.*")
    timed = readings.where(f.col("time").rlike(_WITH_OFFSET)).withColumn("at", f.try_to_timestamp("time"))
    return timed.where(f.col("sensor").isNotNull() & f.col("at").isNotNull()).select(
        "sensor",
        f.unix_micros("at").alias("time_us"),
        *(f.col(measure).cast("float") for measure in MEASURES),
        f.unix_millis("published").alias("published_ms"),
    )
