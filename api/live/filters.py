"""Which items a subscription is about."""

import math
from typing import Annotated, Final

from msgspec import Meta, Struct

from api.live.items import slug
from api.live.topic import Change

MOST_AREAS: Final = 100
MOST_SENSORS: Final = 1_000
Name = Annotated[str, Meta(max_length=200)]


class Filter(Struct, frozen=True):
    """Areas by slug, sensors by id, a box as west, south, east, north in degrees; what is None lets all through."""

    areas: frozenset[str] | None = None
    sensors: frozenset[str] | None = None
    bbox: tuple[float, float, float, float] | None = None

    @classmethod
    def of(
        cls,
        areas: list[str] | None = None,
        sensors: list[str] | None = None,
        bbox: tuple[float, float, float, float] | None = None,
    ) -> "Filter":
        """Raises `ValueError` for a box that is none."""
        if bbox is not None:
            west, south, east, north = bbox
            if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90) or not all(map(math.isfinite, bbox)):
                raise ValueError("bbox is west, south, east, north in degrees")
        return cls(
            None if areas is None else frozenset(map(slug, areas)),
            None if sensors is None else frozenset(sensors),
            bbox,
        )

    def __contains__(self, change: Change) -> bool:
        place = change.place
        if self.areas is not None and self.areas.isdisjoint(place.areas):
            return False
        if self.sensors is not None and self.sensors.isdisjoint(place.sensors):
            return False
        if self.bbox is None:
            return True
        west, south, east, north = self.bbox
        lon, lat = place.lon, place.lat
        return lon is not None and lat is not None and west <= lon <= east and south <= lat <= north

    @property
    def is_all(self) -> bool:
        """Whether it lets everything through."""
        return self == ALL


ALL: Final = Filter()
