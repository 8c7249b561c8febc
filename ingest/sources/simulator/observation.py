"""What the sensors see at one time, as columns: the readings they publish, and the truth behind each of them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator import physics
from ingest.sources.simulator.vectors import Vector
from schema.events import Reading


@dataclass(frozen=True)
class Measures:
    """One element a sensor."""

    speed_kmh: Vector
    volume_vph: Vector


@dataclass(frozen=True)
class Observation:
    """`told` is what is published, or would be were the sensor not silent, `happened` the same without failures and
    noise, `undisturbed` without incidents, scenarios and weather too. `cause` indexes `causes`, −1 for none."""

    time: datetime
    sensors: NDArray[np.object_]
    length_m: Vector
    lanes: Vector
    told: Measures
    happened: Measures
    undisturbed: Measures
    silent: NDArray[np.bool_]
    stuck: NDArray[np.bool_]
    cause: NDArray[np.int32]
    causes: tuple[str, ...]
    precipitation_mm: float

    @cached_property
    def occupancy(self) -> Vector:
        """Share of time that a loop is covered, as told."""
        return physics.occupancy(self.told.volume_vph, self.told.speed_kmh, self.lanes).round(3)

    @cached_property
    def travel_time_s(self) -> Vector:
        """As told; nan for a detector."""
        return np.round(self.length_m / (self.told.speed_kmh / 3.6), 1)

    def readings(self) -> list[Reading]:
        """What is published: nothing of the silent."""
        speaking = ~self.silent
        told = (self.told.speed_kmh, self.told.volume_vph, self.occupancy)
        speed, volume, occupancy = (values[speaking].tolist() for values in told)
        seconds = [None if s != s else s for s in self.travel_time_s[speaking].tolist()]
        rows = zip(self.sensors[speaking].tolist(), speed, volume, occupancy, seconds, strict=True)
        return [
            Reading(sensor=name, time=self.time, speed_kmh=kmh, volume_vph=vph, occupancy=share, travel_time_s=s)
            for name, kmh, vph, share, s in rows
        ]
