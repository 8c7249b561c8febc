"""What readings are flagged for at the door: each threshold in this one place. Flagged readings are kept, and left
out of every mean.

The ranges are those that FHWA recommends for archived detector data (S. Turner, Quality Control Procedures for
Archived Operations Traffic Data, FHWA 2007): at most 100 mph, 3,000 vehicles an hour and lane, 95 % occupancy, no
volume at a standstill; and eight identical readings in a row make a sensor suspect. A detector sees single
vehicles, so its speed may be higher than the mean over a link. An hour is asked for beside the eight, since sensors
here may report every few seconds.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from schema.rollups import MEASURES
from schema.units import KMH_PER_MPH

Kind = Literal["link", "detector"]
Mask = NDArray[np.bool_]


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
KINDS: Final[tuple[Kind, ...]] = tuple(PLAUSIBLE)
UNKNOWN_LANES: Final = 8
"""Taken for a sensor that nobody has described: the widest urban freeways have about as many in a direction."""

STUCK_READINGS: Final = 8

HEALTHY: Final = 0.9
"""Share of good readings from which on data count as healthy, as in PeMS."""

_SPEED, _VOLUME = MEASURES.index("speed_kmh"), MEASURES.index("volume_vph")
_MOST: Final = np.array(
    [
        [most.speed_kmh, most.volume_vph_per_lane, most.occupancy, most.travel_time_s]
        for most in (PLAUSIBLE[kind] for kind in KINDS)
    ],
    dtype=np.float32,
)


def implausible(measures: NDArray[np.float32], kinds: NDArray[Any], lanes: NDArray[Any]) -> Mask:
    """Which readings are not believed; `measures` has a row for each of MEASURES, `kinds` places in KINDS."""
    most = _MOST.T[:, kinds]
    most[_VOLUME] *= lanes
    too_much = (measures > most).any(axis=0)
    return np.asarray(too_much | ((measures[_SPEED] == 0) & (measures[_VOLUME] > 0)))
