"""The weeks of the test city: four shapes, each known by when it is slow; and what went wrong in it."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAYS = 14
STEP = timedelta(minutes=5)
SLOW_HOUR = {"morning peak": 8, "evening peak": 17, "weekend": 14, "flat": None}
OF_EACH = 4
SENSORS = OF_EACH * len(SLOW_HOUR)

#: On the second Wednesday, at the first sensor of each shape:
DROP = (MIDNIGHT + timedelta(days=9, hours=11), MIDNIGHT + timedelta(days=9, hours=12))
SILENCE = (MIDNIGHT + timedelta(days=9, hours=2), MIDNIGHT + timedelta(days=9, hours=5))
STUCK = (MIDNIGHT + timedelta(days=9, hours=20), MIDNIGHT + timedelta(days=9, hours=22))


Reading = tuple[datetime, float, int | None]


def sensors() -> Iterator[tuple[int, str, str]]:
    """Number from 1, external id and shape."""
    for number, shape in enumerate((shape for shape in SLOW_HOUR for _ in range(OF_EACH)), 1):
        yield number, f"t:{shape.replace(' ', '-')}-{number}", shape


def readings(number: int, shape: str) -> Iterator[Reading]:
    """Time, speed and flag of each reading of a sensor; the first of each shape has had the trouble of the day."""
    noise, troubled = random.Random(number), number % OF_EACH == 1
    for step in range(int(timedelta(days=DAYS) / STEP)):
        time = MIDNIGHT + STEP * step
        speed = (40 + 5 * number) * share(shape, time) * (1 + noise.gauss(0, 0.02))
        if troubled and SILENCE[0] <= time < SILENCE[1]:
            continue
        dropped = troubled and DROP[0] <= time < DROP[1]
        yield time, speed * (0.3 if dropped else 1), 2 if troubled and STUCK[0] <= time < STUCK[1] else None


def share(shape: str, time: datetime) -> float:
    """Of the sensor's highest speed."""
    slow = SLOW_HOUR[shape]
    if slow is None or (time.weekday() >= 5) != (shape == "weekend"):
        return 1.0
    hour = time.hour + time.minute / 60
    return 1 - 0.6 * math.exp(-((hour - slow - 0.5) ** 2) / 3)
