"""The normal band: for each kind of day and quarter of an hour the median and the 10th and 90th percentile of the
days.

Percentiles are exact, between the two nearest days where they fall between them (as SQL's `percentile_cont`).
"""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

LOWER, UPPER = 0.1, 0.9
PROFILE_COLUMNS: Final = (
    "subject_kind",
    "subject",
    "day_type",
    "minute",
    "speed_kmh",
    "lower_kmh",
    "upper_kmh",
    "volume_vph",
    "days",
)


def profile(quarters: DataFrame) -> DataFrame:
    """`PROFILE_COLUMNS` from `subject_kind, subject, day, minute, day_type, speed_kmh, volume_vph`."""
    speeds = f.percentile("speed_kmh", f.array(*[f.lit(share) for share in (LOWER, 0.5, UPPER)]))
    grouped = quarters.groupBy("subject_kind", "subject", "day_type", "minute").agg(
        speeds.alias("speeds"),
        f.percentile("volume_vph", f.lit(0.5)).alias("volume_vph"),
        f.count("speed_kmh").cast("int").alias("days"),
    )
    lower, median, upper = (f.col("speeds")[number] for number in range(3))
    named = grouped.withColumns({"lower_kmh": lower, "speed_kmh": median, "upper_kmh": upper})
    return named.select(*PROFILE_COLUMNS).orderBy("subject_kind", "subject", "day_type", "minute")
