"""What a sensor sees now, as it is told."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from schema import los
from schema.los import LevelOfService


class Traffic(BaseModel):
    """The newest reading of a sensor and what it means."""

    sensor: str
    time: datetime
    speed_kmh: float | None = None
    volume_vph: float | None = None
    occupancy: float | None = None
    travel_time_s: float | None = None
    free_flow_speed_kmh: float | None = None
    speed_ratio: float | None = Field(None, description="speed over free-flow speed")
    los: LevelOfService | None = Field(None, description="level of service, HCM 2010")

    @classmethod
    def of(cls, free_flow_speed_kmh: float | None, **measures: Any) -> "Traffic":
        """A reading's measures with the ratio and the level that follow from them."""
        ratio = los.speed_ratio(measures.get("speed_kmh"), free_flow_speed_kmh)
        return cls(
            free_flow_speed_kmh=free_flow_speed_kmh,
            speed_ratio=ratio,
            los=los.level_of_service(ratio),
            **measures,
        )

    def with_free_flow(self, free_flow_speed_kmh: float | None) -> "Traffic":
        """The same reading, judged by another free-flow speed."""
        measures = self.model_dump(exclude={"free_flow_speed_kmh", "speed_ratio", "los"})
        return Traffic.of(free_flow_speed_kmh, **measures)
