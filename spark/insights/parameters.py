"""What an agency may choose about its insights: what an hour is worth, and how long the lists are."""

from dataclasses import dataclass
from typing import Final

from schema.value_of_time import CURRENCY, VALUE_OF_TIME, VEHICLE_OCCUPANCY

TOP: Final = 10


@dataclass(frozen=True)
class Parameters:
    """`value_of_time` is that of one person's hour; with an occupancy of 1 it is that of a vehicle's."""

    time_zone: str
    planning_percentile: float
    value_of_time: float = VALUE_OF_TIME
    vehicle_occupancy: float = VEHICLE_OCCUPANCY
    currency: str = CURRENCY
    top: int = TOP

    def cost(self, vehicle_hours: float) -> float:
        """Money lost in `vehicle_hours`."""
        return vehicle_hours * self.vehicle_occupancy * self.value_of_time
