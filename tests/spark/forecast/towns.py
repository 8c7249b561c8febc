"""Small towns whose speeds are known: slow twice on working days, a little noisy, at times silent."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from spark.forecast.frame import DAY_S, STEP_S, Frame
from spark.forecast.window import Floats

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
A_DAY = DAY_S // STEP_S


def town(days: int, sensors: int = 4, *, seed: int = 0, first_day: int = 0) -> Frame:
    """By the clock from a Monday on, `first_day` days later; the same days of one seed are the same."""
    speeds = np.concatenate([_day(day, sensors, seed) for day in range(first_day, first_day + days)])
    return Frame(
        int(MONDAY.timestamp()) + first_day * DAY_S, tuple(f"t:{number}" for number in range(sensors)), speeds
    )


def _day(day: int, sensors: int, seed: int) -> Floats:
    random = np.random.default_rng([seed, day])
    hour = np.arange(A_DAY)[:, None] / 12
    depth = 0.0 if day % 7 >= 5 else 40 * (0.6 + 0.4 * random.random(sensors))
    late = random.normal(0, 0.5, sensors)
    slow = sum(np.exp(-((hour - peak - late) ** 2) / 2) for peak in (8, 17))
    speeds = 90 - 5 * np.arange(sensors) - depth * slow + random.normal(0, 2, (A_DAY, sensors))
    return np.where(random.random((A_DAY, sensors)) < 0.05, np.nan, speeds).astype(np.float32)


def write_metr_la(frame: Frame, path: Path) -> Path:
    """As a file of that form, in mph, 0 for what is missing."""
    lines = [",".join(["timestamp", *frame.sensors])]
    for number, speeds in enumerate(np.nan_to_num(frame.speeds_kmh / 1.609344)):
        time = datetime.fromtimestamp(frame.clock_s + number * STEP_S, UTC)
        lines.append(",".join([f"{time:%Y-%m-%d %H:%M:%S}", *(f"{speed:.4f}" for speed in speeds)]))
    path.write_text("\n".join(lines) + "\n")
    return path
