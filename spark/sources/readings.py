"""Single readings made into those of a city: what `readings_5m` would have of them.

What ingest does at the door is done here in columns. The first of two readings of a sensor and time counts. Readings
are flagged by `schema.quality` and left out of the means; only those that came late are not told, as nobody knows
when they came. Numbers have the width that they have in the database.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as f
from pyspark.sql.column import Column

from schema.quality import PLAUSIBLE, STUCK_READINGS, UNKNOWN_LANES, Kind
from schema.rollups import FIVE_MINUTES, MEASURES, Flag
from spark.sensors import Sensor
from spark.series import READINGS
from spark.spans import Span
from urbanclear.errors import ConfigurationError

#: Of single readings. `arrived` orders those of one sensor and time; `flag` counts where `flagged` says that the
#: source has flags of its own. It stands for `count` readings.
SINGLE: Final = ("sensor", "time", *MEASURES, "arrived", "flagged", "flag", "count")
#: How much before a span is looked at beside `stuck_after`, so that a sensor is known to be stuck where it begins.
MARGIN: Final = timedelta(days=1)
#: How Spark tells of what `raise_error` says.
_TOLD: Final = re.compile(r"\[USER_RAISED_EXCEPTION\] (.*?)(?: SQLSTATE|$)", re.MULTILINE)
_STEP_S: Final = int(FIVE_MINUTES.total_seconds())


@dataclass(frozen=True)
class Taken:
    """The readings of a span, columns as `READINGS`, and how many sensors were left out, unknown to the database."""

    readings: DataFrame
    unknown_sensors: int


class Opened(Protocol):
    """A source in Spark."""

    @property
    def name(self) -> str:
        """As `--source` says it."""

    def newest(self) -> datetime:
        """The newest time in it."""

    def take(self, span: Span) -> Taken:
        """What it has of the span; raises `ConfigurationError` where it is of no use."""


@dataclass
class Singles:
    """Single readings (`seen`, columns as `SINGLE`), of a source called `name`; they are looked through once."""

    session: SparkSession
    name: str
    seen: DataFrame
    sensors: Sequence[Sensor]
    stuck_after: timedelta | None

    def __post_init__(self) -> None:
        known = f.broadcast(self._known())
        self._named = self.seen.join(known, "sensor", "left")
        unknown = f.col("sensor_id").isNull()
        look = self._named.agg(
            f.count("*").alias("rows"),
            f.unix_micros(f.max(f.when(~unknown, f.col("time")))).alias("newest"),
            f.count_distinct(f.when(unknown, f.col("sensor"))).alias("strangers"),
            f.min(f.when(unknown, f.col("sensor"))).alias("stranger"),
            *(f.count(measure).alias(measure) for measure in MEASURES),
        )
        [found] = _asked(look, self.name)
        if not found.rows:
            raise ConfigurationError(f"There are no readings in {self.name}: choose another --source.")
        if found.newest is None:
            raise ConfigurationError(
                f"The database knows none of the {found.strangers} sensors in {self.name}, such as "
                f"{found.stranger!r}: let a source tell it of them first, or set URBANCLEAR_DATABASE_URL to the "
                f"database that knows them."
            )
        if not found.speed_kmh:
            raise ConfigurationError(f"The column speed_kmh is empty in all of {self.name}: choose another --source.")
        self._newest = datetime.fromtimestamp(found.newest / 1e6, UTC)
        self._strangers: int = found.strangers

    def newest(self) -> datetime:
        """The newest time of a sensor that is known."""
        return self._newest

    def take(self, span: Span) -> Taken:
        """Those of sensors that are known, by 5 minutes."""
        begin = span.start - MARGIN - (self.stuck_after or timedelta())
        near = f.col("sensor_id").isNotNull() & (f.col("time") >= begin) & (f.col("time") < span.end + FIVE_MINUTES)
        flagged = _flagged(_first(self._named.filter(near)), self.stuck_after)
        epoch = f.unix_seconds("time") - f.pmod(f.unix_seconds("time"), f.lit(_STEP_S))
        within = (f.col("epoch") >= span.start.timestamp()) & (f.col("epoch") < span.end.timestamp())
        found = (
            flagged.withColumn("epoch", epoch)
            .filter(within)
            .groupBy("sensor_id", "epoch")
            .agg(
                *(_mean(measure).alias(measure) for measure in ("speed_kmh", "volume_vph")),
                f.max((f.coalesce("flag", f.lit(0)) == Flag.STUCK).cast("int")).alias("stuck"),
                f.sum("count").cast("int").alias("readings"),
                f.sum(f.when(f.col("flag") == Flag.IMPLAUSIBLE, f.col("count")).otherwise(0))
                .cast("int")
                .alias("implausible"),
            )
        )
        return Taken(found.select(*READINGS), self._strangers)

    def _known(self) -> DataFrame:
        """Each sensor's number, and the most of each measure that is believed of it."""
        rows = [(one.sensor, one.id, *_most(one.kind, one.lanes)) for one in self.sensors]
        most = ", ".join(f"most_{measure} double" for measure in MEASURES)
        return self.session.createDataFrame(rows, f"sensor string, sensor_id int, {most}")


def _asked(question: DataFrame, name: str) -> list[Row]:
    """Its rows; raises `ConfigurationError` where the source called `name` cannot be read."""
    try:
        rows: list[Row] = question.collect()
    except (PySparkException, Py4JJavaError) as error:
        if told := _TOLD.search(str(error)):
            raise ConfigurationError(f"{told[1]} (in {name}): mend it, or choose another --source.") from None
        java = isinstance(error, Py4JJavaError)
        reason = str(error).strip().splitlines()[1 if java else 0].removeprefix(": ")[:300]
        raise ConfigurationError(
            f"{name} cannot be read: check that it is whole, and of the form that its name says. ({reason})"
        ) from error
    return rows


def _most(kind: str, lanes: int | None) -> tuple[float, ...]:
    known: Kind = "detector" if kind == "detector" else "link"
    most = PLAUSIBLE[known]
    volume = most.volume_vph_per_lane * (lanes or UNKNOWN_LANES)
    of = {
        "speed_kmh": most.speed_kmh,
        "volume_vph": volume,
        "occupancy": most.occupancy,
        "travel_time_s": most.travel_time_s,
    }
    return tuple(float(of[measure]) for measure in MEASURES)


def _first(named: DataFrame) -> DataFrame:
    """One reading of a sensor and time, the one that came first; those without a measure are none."""
    kept = [name for name in named.columns if name not in ("sensor_id", "time", "arrived")]
    row = f.min_by(f.struct(*kept), f.col("arrived")).alias("row")
    some = f.coalesce(*MEASURES).isNotNull()
    return named.filter(some).groupBy("sensor_id", "time").agg(row).select("sensor_id", "time", "row.*")


def _flagged(readings: DataFrame, stuck_after: timedelta | None) -> DataFrame:
    """With a `flag` for those that have none of their own."""
    too_much = [f.coalesce(f.col(name) > f.col(f"most_{name}"), f.lit(False)) for name in MEASURES]
    standing = f.coalesce((f.col("speed_kmh") == 0) & (f.col("volume_vph") > 0), f.lit(False))
    implausible = standing
    for one in too_much:
        implausible = implausible | one
    judged = _with_stuck(readings.withColumn("implausible", implausible), stuck_after)
    flag = (
        f.when(f.col("flagged"), f.col("flag"))
        .when(f.col("implausible"), f.lit(int(Flag.IMPLAUSIBLE)))
        .when(f.col("is_stuck"), f.lit(int(Flag.STUCK)))
    )
    return judged.withColumn("flag", flag)


def _with_stuck(readings: DataFrame, stuck_after: timedelta | None) -> DataFrame:
    """With `is_stuck`: whether a plausible reading is of a sensor that has said the same too long."""
    if stuck_after is None:
        return readings.withColumn("is_stuck", f.lit(False))
    each = Window.partitionBy("sensor_id", "implausible")
    same = f.lag("time").over(each.orderBy("time")).isNotNull()
    for measure in MEASURES:
        same = same & f.col(measure).eqNullSafe(f.lag(measure).over(each.orderBy("time")))
    runs = readings.withColumn("new", (~same).cast("int"))
    runs = runs.withColumn("run", f.sum("new").over(each.orderBy("time")))
    run = Window.partitionBy("sensor_id", "implausible", "run").orderBy("time")
    lasts = f.unix_micros("time") - f.unix_micros(f.first("time").over(run))
    long = (f.row_number().over(run) >= STUCK_READINGS) & (lasts >= stuck_after // timedelta(microseconds=1))
    empty = f.coalesce(f.col("volume_vph") == 0, f.lit(False))
    return runs.withColumn("is_stuck", long & ~empty)


def _mean(measure: str) -> Column:
    return f.avg(f.when(f.col("flag").isNull(), f.col(measure).cast("double"))).cast("float")
