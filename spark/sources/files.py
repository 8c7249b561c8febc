"""Files as the source: CSV and Parquet with `sensor`, `time`, `speed_kmh`, and any other measures of a reading.

What the project itself writes is read as it is: the simulator's truth, and the API's exports of `readings` and
`readings_5m`, which name sensors by `sensor_id` and have been through quality control already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.column import Column

from schema.rollups import MEASURES, Flag
from spark.sensors import Sensor, sensors_of
from spark.sources.readings import SINGLE, Singles
from spark.sources.tables import Layout, tables_at
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

#: Of a mean of 5 minutes, as `readings_5m` has it.
COUNTS: Final = ("readings", "good", "implausible", "stuck")


@dataclass(frozen=True)
class Files:
    """The files at `path`, by their layouts."""

    path: Path
    tables: dict[Layout, list[Path]]
    sensors: list[Sensor]
    stuck_after: timedelta | None

    @classmethod
    def checked(cls, named: str, database_url: str, settings: Settings) -> "Files":
        """With the columns that are needed, and the database's sensors."""
        path = Path(named)
        return cls(path, tables_at(path), sensors_of(database_url), settings.stuck_after)

    def open(self, session: SparkSession) -> Singles:
        """Raises `ConfigurationError` for rows that are not of the form, and columns that are empty."""
        session.conf.set("spark.sql.legacy.parquet.nanosAsLong", "true")  # or such files could not be read
        parts = [
            _single(_read(session, layout, files), layout, self._by_number(session))
            for layout, files in self.tables.items()
        ]
        seen = reduce(DataFrame.unionByName, parts)
        return Singles(session, str(self.path), seen, self.sensors, self.stuck_after)

    def _by_number(self, session: SparkSession) -> DataFrame:
        rows = [(one.id, one.sensor) for one in self.sensors]
        return f.broadcast(session.createDataFrame(rows, "number int, external_id string"))


def _read(session: SparkSession, layout: Layout, files: Sequence[Path]) -> DataFrame:
    paths = [file.absolute().as_uri() for file in files]
    if layout.form == "parquet":
        return session.read.parquet(*paths)
    columns = ", ".join(f"`{name.replace('`', '``')}` string" for name in layout.columns)
    return session.read.csv(paths, schema=columns, header=True, mode="FAILFAST")


def _single(rows: DataFrame, layout: Layout, by_number: DataFrame) -> DataFrame:
    """The rows of files of one layout as `SINGLE`."""
    names = layout.columns
    if "sensor" not in names:
        number = _number("sensor_id", "int", names)
        rows = rows.withColumn("number", number).join(by_number, "number", "left")
        rows = rows.withColumn("sensor", f.coalesce("external_id", f.concat(f.lit("sensor_id "), "sensor_id")))
    measures = [_measure(name, names).alias(name) for name in MEASURES]
    counts = [_number(name, "int", names).alias(name) for name in COUNTS]
    typed = rows.select(
        _present("sensor", "string", f.col("sensor").cast("string")).alias("sensor"),
        _present("time", "timestamp", _time(layout)).alias("time"),
        *measures,
        *(counts if set(COUNTS) <= set(names) else []),
        f.lit("flag" in names).alias("flagged"),
        _number("flag", "int", names).alias("flag"),
        f.lit(1).alias("count"),
        f.struct(f.input_file_name(), f.monotonically_increasing_id()).alias("arrived"),
    )
    return (_unfolded(typed) if set(COUNTS) <= set(names) else typed).select(*SINGLE)


def _unfolded(means: DataFrame) -> DataFrame:
    """A mean of 5 minutes as readings that it may be of: one for all good ones, and one for those of each flag."""
    late = f.col("readings") - f.col("good") - f.col("stuck") - f.col("implausible")
    kinds = (
        (f.col("good"), None),
        (f.col("stuck"), Flag.STUCK),
        (f.col("implausible"), Flag.IMPLAUSIBLE),
        (late, Flag.LATE),
    )
    flags = f.array(*(f.when(many > 0, _flag(second, flag, many)) for second, (many, flag) in enumerate(kinds)))
    told = means.drop("flag", "flagged").withColumn("of", f.explode(f.array_compact(flags)))
    flagged = f.col("of.flag").isNotNull()
    return (
        told.withColumn("flag", f.col("of.flag"))
        .withColumn("count", f.col("of.count"))
        .withColumn("flagged", f.lit(True))
        .withColumn("speed_kmh", f.when(flagged, f.lit(0.0).cast("float")).otherwise(f.col("speed_kmh")))
        .withColumn("time", f.timestamp_add("SECOND", f.col("of.second"), f.col("time")))
    )


def _flag(second: int, flag: Flag | None, many: Column) -> Column:
    number = None if flag is None else int(flag)
    return f.struct(
        f.lit(second).alias("second"), f.lit(number).cast("int").alias("flag"), many.cast("int").alias("count")
    )


def _time(layout: Layout) -> Column:
    """Times without an offset are UTC, the session's zone."""
    if layout.form == "csv":
        return _parsed("time", "timestamp")
    kind = layout.types[layout.columns.index("time")]
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":
            return f.timestamp_micros((f.col("time") / 1_000).cast("long"))
        return f.col("time").cast("timestamp")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _parsed("time", "timestamp")
    raise ConfigurationError(
        f"The column time holds {kind}, no times: write it as timestamps or as text in RFC 3339."
    )


def _measure(name: str, columns: Sequence[str]) -> Column:
    """As wide as in the database; what is no number is none."""
    found = _number(name, "float", columns)
    return f.when(~f.isnan(found), found)


def _number(name: str, kind: str, columns: Sequence[str]) -> Column:
    return _parsed(name, kind) if name in columns else f.lit(None).cast(kind)


def _parsed(name: str, kind: str) -> Column:
    """The column as `kind`; a value that is none fails with a sentence."""
    value = f.col(name)
    text = value.cast("string")
    wrong = f.concat(f.lit(f"The column {name} holds '"), text, f.lit(f"', which is no {_WORD[kind]}"))
    return f.when(value.isNull() | (f.trim(text) == ""), f.lit(None).cast(kind)).otherwise(
        f.coalesce(value.try_cast(kind), f.raise_error(wrong).cast(kind))
    )


def _present(name: str, kind: str, value: Column) -> Column:
    return f.coalesce(value, f.raise_error(f.lit(f"A row has no {name}")).cast(kind))


_WORD: Final = {"timestamp": "time", "float": "number", "int": "whole number"}
