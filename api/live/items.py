"""What is told of each topic, item by item, and where it belongs, so that it can be filtered."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from msgspec import Struct

from schema.events import Alert, Incident, Prediction, Reading
from schema.los import LevelOfService, level_of_service, speed_ratio

TRAFFIC, INCIDENTS, PREDICTIONS, ALERTS = "traffic", "incidents", "predictions", "alerts"


class Item(Struct, frozen=True, kw_only=True):
    """One thing as it is now; items of one key follow one another."""

    key_fields: ClassVar[tuple[str, ...]]

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return " ".join(str(getattr(self, name)) for name in self.key_fields)

    def changes(self, known: "Item") -> dict[str, Any]:
        """The fields that differ from what is known, with those of the key."""
        fields = self.__struct_fields__
        values = ((name, getattr(self, name)) for name in fields)
        return {name: value for name, value in values if name in self.key_fields or value != getattr(known, name)}


class TrafficItem(Item, frozen=True, kw_only=True):
    """The newest reading of a sensor and what it means."""

    key_fields: ClassVar = ("sensor",)

    sensor: str
    time: datetime
    speed_kmh: float | None = None
    volume_vph: float | None = None
    occupancy: float | None = None
    travel_time_s: float | None = None
    free_flow_speed_kmh: float | None = None
    speed_ratio: float | None = None
    los: LevelOfService | None = None

    def with_free_flow(self, free_flow_speed_kmh: float | None) -> "TrafficItem":
        """The same reading, judged by another free-flow speed."""
        ratio = speed_ratio(self.speed_kmh, free_flow_speed_kmh)
        level = level_of_service(ratio)
        return msgspec.structs.replace(self, free_flow_speed_kmh=free_flow_speed_kmh, speed_ratio=ratio, los=level)


class IncidentItem(Item, frozen=True, kw_only=True):
    """The newest state of an incident."""

    key_fields: ClassVar = ("id",)

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
    direction: str | None = None
    lat: float | None = None
    lon: float | None = None
    lanes_blocked: int | None = None


class PredictionItem(Item, frozen=True, kw_only=True):
    """A sensor's speed as it is expected; `time` is the time that is predicted."""

    key_fields: ClassVar = ("sensor", "horizon_minutes")

    sensor: str
    horizon_minutes: int
    time: datetime
    made_at: datetime
    speed_kmh: float
    lower_kmh: float | None = None
    upper_kmh: float | None = None
    model: str = ""
    free_flow_speed_kmh: float | None = None
    speed_ratio: float | None = None
    los: LevelOfService | None = None


class AlertItem(Item, frozen=True, kw_only=True):
    """An alert after a change of its state, or of who takes care of it."""

    key_fields: ClassVar = ("id",)

    id: str
    time: datetime
    rule: str
    subject: str
    state: str
    priority: str
    summary: str = ""
    name: str = ""
    revision: int = 0
    reason: str = "value"
    value: float | None = None
    started_at: datetime | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    assignee: str | None = None
    areas: list[str] = []
    road: str | None = None
    sensors: list[str] = []


class Place(NamedTuple):
    """Where something is: the slugs of its areas, its point, the sensors it is about."""

    areas: Sequence[str] = ()
    lon: float | None = None
    lat: float | None = None
    sensors: Sequence[str] = ()


def slug(area: str | None) -> str:
    """An area's name as filters compare it: `Staten Island` is `staten-island`."""
    return re.sub(r"[\W_]+", "-", (area or "").casefold()).strip("-")


def traffic_item(reading: Reading, free_flow_speed_kmh: float | None) -> TrafficItem:
    ratio = speed_ratio(reading.speed_kmh, free_flow_speed_kmh)
    return TrafficItem(
        sensor=reading.sensor,
        time=reading.time,
        speed_kmh=reading.speed_kmh,
        volume_vph=reading.volume_vph,
        occupancy=reading.occupancy,
        travel_time_s=reading.travel_time_s,
        free_flow_speed_kmh=free_flow_speed_kmh,
        speed_ratio=ratio,
        los=level_of_service(ratio),
    )


def incident_item(incident: Incident, sensors: list[str]) -> IncidentItem:
    fields = {name: getattr(incident, name) for name in incident.__struct_fields__} | {"sensors": sensors}
    return IncidentItem(**fields, cleared_at=incident.time if incident.status == "cleared" else None)


def prediction_item(prediction: Prediction, free_flow_speed_kmh: float | None) -> PredictionItem:
    ratio = speed_ratio(prediction.speed_kmh, free_flow_speed_kmh)
    return PredictionItem(
        sensor=prediction.sensor,
        horizon_minutes=round(prediction.horizon_s / 60),
        time=prediction.target_time,
        made_at=prediction.made_at,
        speed_kmh=prediction.speed_kmh,
        lower_kmh=prediction.lower_kmh,
        upper_kmh=prediction.upper_kmh,
        model=prediction.model,
        free_flow_speed_kmh=free_flow_speed_kmh,
        speed_ratio=ratio,
        los=level_of_service(ratio),
    )


def alert_item(alert: Alert) -> AlertItem:
    return AlertItem(**{name: getattr(alert, name) for name in alert.__struct_fields__})


def is_newer(item: Item, known: Item | None) -> bool:
    """Whether `item` takes the place of what is known of its key."""
    if known is None:
        return True
    if isinstance(item, IncidentItem) and isinstance(known, IncidentItem):
        if known.status == "cleared":  # stays so, unless it is reported anew
            return item.status == "reported" and item.time > known.time
        return item.time >= known.time
    if isinstance(item, PredictionItem) and isinstance(known, PredictionItem):
        return item.made_at > known.made_at
    if isinstance(item, AlertItem) and isinstance(known, AlertItem):
        if item.revision and known.revision:
            return item.revision > known.revision
        return item.time >= known.time
    return time_of(item) > time_of(known)


def time_of(item: Item) -> datetime:
    """Every kind of item has one."""
    time: datetime = item.time  # type: ignore[attr-defined]
    return time


MOST_ALERTS: Final = 10_000
MOST_INCIDENTS: Final = 1_000
#: How long a cleared incident or a resolved alert is part of a snapshot.
ENDED_SHOWN: Final = timedelta(hours=1)


def has_ended(item: Item) -> bool:
    """Whether it is over: cleared or resolved."""
    return getattr(item, "status", getattr(item, "state", "")) in ("cleared", "resolved")
