"""A city's speeds over a span, read by Spark from any source into one `Frame`, with what the database knows of its
weather and incidents."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from spark.calendar import QUARTER
from spark.forecast.conditions import conditions_of
from spark.forecast.frame import STEP_S, Frame, Ints, clock_s
from spark.sensors import sensors_of
from spark.series import packed
from spark.sources.readings import Opened
from spark.spans import Span, answering
from urbanclear.errors import ConfigurationError
from urbanclear.public_holidays import holidays_between


def frame_of(database_url: str, source: Opened, span: Span, time_zone: str, region: str) -> Frame:
    """Of the sensors that measured a speed in the span, from the first that was measured on, by the city's clock: the
    hour that its clock skips in spring is empty, that which it repeats in autumn is a mean of both. Raises
    `ConfigurationError` where there are none."""
    names = {sensor.id: sensor.sensor for sensor in sensors_of(database_url)}
    rows = packed(source.take(span).readings).select("sensor_id", "epoch", "speed_kmh").toPandas()
    zone = ZoneInfo(time_zone)
    first, last = clock_s(span.start, zone) // STEP_S, clock_s(span.end - timedelta.resolution, zone) // STEP_S
    shape = (last - first + 1, len(names))
    columns = {number: column for column, number in enumerate(names)}
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for sensor, epochs, speeds in rows.itertuples(index=False):
        steps = _clock(np.asarray(epochs), zone) // STEP_S - first
        known = np.isfinite(speeds) & (steps < len(total))  # a span may end in the hour that is repeated
        total[:, columns[sensor]] += np.bincount(steps[known], np.asarray(speeds)[known], len(total))
        count[:, columns[sensor]] += np.bincount(steps[known], minlength=len(count))
    measured = np.flatnonzero(count.sum(0))
    if not len(measured):
        raise ConfigurationError(
            f"There are no speeds from {span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M} UTC in "
            f"{source.name}: choose another --from and --to, or start a source, for example with `urbanclear up`."
        )
    earliest = int(np.argmax(count.any(axis=1)))
    speeds = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)[earliest:, measured]
    first += earliest
    sensors = tuple(np.array(list(names.values()))[measured].tolist())
    begins = datetime.fromtimestamp(first * STEP_S, UTC).date()
    days = holidays_between(region, begins, begins + timedelta(seconds=len(speeds) * STEP_S, days=1))
    with answering(database_url) as connection:
        known = conditions_of(connection, sensors, first, len(speeds), zone)
    return Frame(first * STEP_S, sensors, speeds, frozenset(days), known)


def _clock(epochs: Ints, zone: ZoneInfo) -> Ints:
    """`clock_s` of many; an offset holds for a quarter of an hour at least."""
    quarters, at = np.unique(epochs // (QUARTER * 60), return_inverse=True)
    times = [int(quarter) * QUARTER * 60 for quarter in quarters]
    offsets = [clock_s(datetime.fromtimestamp(time, UTC), zone) - time for time in times]
    found: Ints = epochs + np.array(offsets, np.int64)[at]
    return found
