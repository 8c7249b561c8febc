"""What a source of readings promises, and the one that `--source` names.

    database   readings_5m, over JDBC
    kafka      the topic of readings, all that Kafka still has
    PATH       a file or a folder of CSV (.gz) or Parquet

Whatever the source, sensors and results are the database's.
"""

from typing import Protocol

from pyspark.sql import SparkSession

from schema.database import database_url, kafka_bootstrap
from spark.sources.database import Database
from spark.sources.files import Files
from spark.sources.kafka import Kafka
from spark.sources.readings import Opened
from urbanclear.settings import Settings

DATABASE, KAFKA = "database", "kafka"


class Source(Protocol):
    """Known before Spark is started."""

    def open(self, session: SparkSession) -> Opened:
        """The same in Spark; raises `ConfigurationError` where its readings are of no use."""


def source_of(named: str, settings: Settings) -> Source:
    """What `--source` says; raises `ConfigurationError` where nothing can come of it."""
    url = database_url(settings)
    if named == DATABASE:
        return Database.checked(url)
    if named == KAFKA:
        return Kafka.checked(kafka_bootstrap(settings), url, settings)
    return Files.checked(named, url, settings)
