"""A sensor as it is told."""

from typing import Any

from pydantic import BaseModel, Field


class Sensor(BaseModel):
    """Where traffic is measured."""

    sensor: str = Field(description="external id, source:id", examples=["nyc-sim:fdr-drive-n-houston-e23"])
    name: str
    kind: str
    area: str | None = None
    road: str | None = None
    direction: str | None = None
    lat: float | None = None
    lon: float | None = None
    geometry: dict[str, Any] | None = Field(None, description="GeoJSON LineString or Point")
    length_m: float | None = None
    free_flow_speed_kmh: float | None = None
    lanes: int | None = None
