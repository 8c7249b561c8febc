"""The readings that are measured with: 1,000 sensors polled every 30 s up to now, the same for all that write them.

Speeds to 0.1 km/h that follow the hour of day with noise, counts of vehicles in 30 s, occupancy to 0.001.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schema.events import Reading, Sensor

SENSORS: Final = 1_000
POLL: Final = timedelta(seconds=30)
INSERT_SENSORS: Final = f"""
    INSERT INTO sensors (external_id, name, area, road, lanes, free_flow_speed_kmh)
    SELECT 'bench:' || n, 'Sensor ' || n, 'area ' || n % 5, 'Road ' || (n - 1) / 20, 3, 100
    FROM generate_series(1, {SENSORS}) AS n
"""

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
#: A row of binary COPY: the number of fields, then each with its length, -1 for NULL.
_ROW: Final = np.dtype(
    [("fields", ">i2"), ("sensor_length", ">i4"), ("sensor_id", ">i4"), ("time_length", ">i4"), ("time", ">i8")]
    + [
        (name, kind)
        for measure in ("speed_kmh", "volume_vph", "occupancy")
        for name, kind in ((f"{measure}_length", ">i4"), (measure, ">f4"))
    ]
    + [("travel_time_length", ">i4")]
)


def sensor_name(number: int) -> str:
    """The external id of sensor `number`, from 1."""
    return f"bench:{number}"


def described_sensors() -> Iterator[Sensor]:
    """All sensors, as `INSERT_SENSORS` writes them."""
    for number in range(1, SENSORS + 1):
        area, road = f"area {number % 5}", f"Road {(number - 1) // 20}"
        yield Sensor(
            external_id=sensor_name(number),
            name=f"Sensor {number}",
            area=area,
            road=road,
            lanes=3,
            free_flow_speed_kmh=100,
        )


@dataclass(frozen=True)
class Load:
    """`polls` polls of all sensors, the newest a moment ago; sensors have the ids 1 to 1,000 in `copies`."""

    polls: int
    newest: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def rows(self) -> int:
        return self.polls * SENSORS

    def time(self, poll: int) -> datetime:
        """When poll number `poll`, from 0, was made."""
        return self.newest - (self.polls - 1 - poll) * POLL

    def times(self) -> Iterator[datetime]:
        return map(self.time, range(self.polls))

    def part(self, share: float) -> "Load":
        """The first `share` of the polls, one at least."""
        polls = max(1, round(self.polls * share))
        return Load(polls, self.time(polls - 1))

    def readings(self, poll: int) -> list[Reading]:
        """What poll number `poll` brought, a reading a sensor."""
        time = self.time(poll)
        return [
            Reading(sensor=sensor_name(number), time=time, speed_kmh=speed, volume_vph=volume, occupancy=occupancy)
            for number, (speed, volume, occupancy) in enumerate(self._measures(poll).T.tolist(), start=1)
        ]

    def copies(self, batch_rows: int, *, by_key: bool) -> list[bytes]:
        """All rows as input of binary COPY in batches of whole polls; each by sensor and time, or as they arrived."""
        polls = max(1, batch_rows // SENSORS)
        return [
            self._copy(range(first, min(first + polls, self.polls)), by_key) for first in range(0, self.polls, polls)
        ]

    def _copy(self, polls: range, by_key: bool) -> bytes:
        rows = np.empty((len(polls), SENSORS), dtype=_ROW)
        rows["fields"] = 6
        for name in ("sensor", "speed_kmh", "volume_vph", "occupancy"):
            rows[f"{name}_length"] = 4
        rows["time_length"], rows["travel_time_length"] = 8, -1
        rows["sensor_id"] = np.arange(1, SENSORS + 1)
        for row, poll in zip(rows, polls, strict=True):
            row["time"] = (self.time(poll) - _POSTGRES_EPOCH) // timedelta(microseconds=1)
            row["speed_kmh"], row["volume_vph"], row["occupancy"] = self._measures(poll)
        return _HEADER + (rows.T if by_key else rows).tobytes() + _TRAILER

    def _measures(self, poll: int) -> NDArray[np.float64]:
        """Speed, volume and occupancy of each sensor: (3, 1000)."""
        numbers = np.arange(1, SENSORS + 1)
        noise = (numbers * 7919 + poll * 104_729) % 1_048_573
        tide = np.sin(self.time(poll).timestamp() / 13_750)
        return np.array(
            [
                np.round(70 + 25 * tide + noise % 1000 / 200, 1),
                120 * ((600 - 400 * tide + noise % 300) // 120),
                np.round(0.1 - 0.05 * tide + noise % 100 / 10_000, 3),
            ]
        )
