"""What a job knows of a city: its readings in the span, its sensors, and its calendar."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark.calendar import Calendar
from spark.days import Days
from spark.reporting import Reporting, reporting_of
from spark.runs import Run
from spark.sensors import Sensor, sensors_of
from spark.series import Look, in_buckets, packed
from spark.sources.readings import Opened
from urbanclear.errors import ConfigurationError

BUCKETS_A_CORE: Final = 4


@dataclass(frozen=True)
class City:
    """A span of a city; `packed` are the readings as `spark.series` packs them, cached since several jobs read
    them."""

    session: SparkSession
    sensors: list[Sensor]
    packed: DataFrame
    days: Days

    @cached_property
    def reporting(self) -> Reporting:
        """How much of the feed reported when."""
        return reporting_of(self.packed)

    def each(self, look: Look, schema: str) -> pd.DataFrame:
        """What `look` finds in all corridors, some of which are given to it at a time, on the workers."""
        corridors = {name: at for at, name in enumerate(sorted({one.along for one in self.sensors}))}
        buckets = BUCKETS_A_CORE * self.session.sparkContext.defaultParallelism
        placed = [(one.id, corridors[one.along] % buckets) for one in self.sensors]
        frame = f.broadcast(self.session.createDataFrame(placed, "sensor_id int, bucket int"))
        sensors = {one.id: one for one in self.sensors}
        grouped = self.packed.join(frame, "sensor_id").repartition(buckets, "bucket").groupBy("bucket")
        found: pd.DataFrame = grouped.applyInPandas(in_buckets(sensors, look), schema).toPandas()
        return found


@contextmanager
def city_of(session: SparkSession, database_url: str, run: Run, calendar: Calendar, source: Opened) -> Iterator[City]:
    """The city of a database in the run's span, whose readings are read once; they are forgotten on leaving.

    Raises `ConfigurationError` where there are no sensors, or no readings in the span.
    """
    with run.stage("Reading"):
        sensors, taken = sensors_of(database_url), source.take(run.span)
        readings = packed(taken.readings).persist(StorageLevel.MEMORY_AND_DISK)
        found = readings.agg(f.sum(f.size("epoch"))).first()
    if found is None or not found[0]:
        raise ConfigurationError(
            f"There are no readings from {run.span.start:%Y-%m-%d %H:%M} to {run.span.end:%Y-%m-%d %H:%M} UTC in "
            f"{source.name}: choose another --from and --to, or start a source, for example with `urbanclear up`."
        )
    run.rows_in += found[0]
    run.unknown_sensors = taken.unknown_sensors
    try:
        yield City(session, sensors, readings, Days.of_span(calendar, run.span))
    finally:
        readings.unpersist()
