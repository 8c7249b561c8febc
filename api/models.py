"""The shapes that REST answers and the WebSocket bridge sends; the same for both."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from schema import los
from schema.los import LevelOfService

ItemT = TypeVar("ItemT")


class Items(BaseModel, Generic[ItemT]):
    """A list, in an object so that it can grow."""

    items: list[ItemT]


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


class Incident(BaseModel):
    """The newest state of an incident."""

    id: str
    time: datetime
    status: str
    kind: str
    severity: str
    started_at: datetime
    cleared_at: datetime | None = None
    description: str = ""
    sensors: list[str] = []
    area: str | None = None
    road: str | None = None
    lat: float | None = None
    lon: float | None = None
    lanes_blocked: int | None = None


class Check(BaseModel):
    """How one thing the API depends on is doing."""

    ok: bool
    detail: str = ""


class Health(BaseModel):
    """Whether the API can answer, and what it sees of the rest."""

    status: str = Field(description="ok, or degraded when any check fails")
    version: str
    checks: dict[str, Check]
    websocket_clients: int


class Problem(BaseModel):
    """An error, after RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class Rejection(BaseModel):
    """An item of a push that is not accepted."""

    index: int = Field(description="its place in what was pushed, from 0; blank lines do not count")
    reason: str = Field(description="undecodable, invalid, naive_time, future_time or too_old", examples=["invalid"])
    detail: str = Field(examples=["Expected `float` <= 400.0 - at `$.speed_kmh`"])


class Pushed(BaseModel):
    """What became of a push: what is accepted is in Kafka."""

    accepted: int = Field(examples=[2])
    rejected: list[Rejection]


class PushProblem(Problem):
    """Nothing of a push is accepted."""

    rejected: list[Rejection]
