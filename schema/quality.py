"""What readings are flagged for at the door: each threshold in this one place. Flagged readings are kept, and left
out of every mean.

The ranges are those that FHWA recommends for archived detector data (S. Turner, Quality Control Procedures for
Archived Operations Traffic Data, FHWA 2007): at most 100 mph, 3,000 vehicles an hour and lane, 95 % occupancy, no
volume at a standstill; and eight identical readings in a row make a sensor suspect. A detector sees single
vehicles, so its speed may be higher than the mean over a link. An hour is asked for beside the eight, since sensors
here may report every few seconds.
"""

from dataclasses import dataclass
from typing import Final, Literal

from schema.units import KMH_PER_MPH

Kind = Literal["link", "detector"]


@dataclass(frozen=True)
class Plausible:
    """The most of each measure that is believed of one kind of sensor."""

    speed_kmh: float
    volume_vph_per_lane: float = 3_000
    occupancy: float = 0.95
    travel_time_s: float = 4 * 3_600


PLAUSIBLE: Final[dict[Kind, Plausible]] = {
    "link": Plausible(speed_kmh=100 * KMH_PER_MPH),
    "detector": Plausible(speed_kmh=200),
}
UNKNOWN_LANES: Final = 8
"""Taken for a sensor that nobody has described: the widest urban freeways have about as many in a direction."""

STUCK_READINGS: Final = 8
