"""What travels on Kafka: one struct an event, JSON on the wire, times with their offset and stored in UTC.

An event is versioned by adding optional fields only. The JSON Schemas in `schema/events/` are exported from these
structs by `urbanclear schema export-events`, and a test holds the two in step. A message of readings or predictions
carries one or a JSON array of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from urbanclear.errors import InvalidEvent

ExternalId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]*:[^\s\x00]{1,120}$",
        description="source:id, for example nyc-dot:4616337",
    ),
]
Text = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset")]
Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Position = Annotated[list[float], Meta(min_length=2, max_length=3, description="longitude, latitude")]

IncidentStatus = Literal["reported", "updated", "cleared"]
IncidentKind = Literal["collision", "breakdown", "road_works", "event", "weather", "hazard", "other"]
Severity = Literal["low", "medium", "high", "critical"]
WeatherCondition = Literal["clear", "cloud", "rain", "snow", "fog", "storm"]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all events. Unknown fields are ignored, so that a newer producer does not break an older reader."""

    key_field: ClassVar[str]
    time_field: ClassVar[str | None] = None

    @property
    def key(self) -> str:
        """The Kafka message key: whatever must stay in order shares it."""
        return str(getattr(self, self.key_field))

    @property
    def occurred_at(self) -> datetime | None:
        """The time that must be plausible before the event is accepted."""
        return getattr(self, self.time_field) if self.time_field else None


class Geometry(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A GeoJSON geometry (RFC 7946)."""


class Point(Geometry, frozen=True, kw_only=True, tag="Point"):
    coordinates: Position


class LineString(Geometry, frozen=True, kw_only=True, tag="LineString"):
    coordinates: Annotated[list[Position], Meta(min_length=2, max_length=2000)]


class Sensor(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A place where traffic is measured: a loop detector (a point) or a road link (a line)."""

    key_field = "external_id"

    external_id: ExternalId
    name: Text
    kind: Literal["link", "detector"] = "link"
    area: Text | None = None
    road: Text | None = None
    direction: Text | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    geometry: Point | LineString | None = None
    length_m: Positive | None = None
    free_flow_speed_kmh: Positive | None = None
    lanes: Annotated[int, Meta(ge=1, le=20)] | None = None


class Reading(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One observation of a sensor. At least one measure is present."""

    key_field = "sensor"
    time_field = "time"

    sensor: ExternalId
    time: Time
    speed_kmh: Annotated[float, Meta(ge=0, le=400)] | None = None
    volume_vph: Annotated[float, Meta(ge=0, le=50_000)] | None = None
    occupancy: Annotated[float, Meta(ge=0, le=1)] | None = None
    travel_time_s: Annotated[float, Meta(ge=0, le=86_400)] | None = None

    def __post_init__(self) -> None:
        if self.speed_kmh is self.volume_vph is self.occupancy is self.travel_time_s is None:
            raise ValueError("a reading needs at least one measure")


class Incident(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The state of an incident at `time`: reported, updated as often as needed, cleared once."""

    key_field = "id"
    time_field = "time"

    id: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    time: Time
    status: IncidentStatus
    kind: IncidentKind
    severity: Severity
    started_at: Time
    description: Text = ""
    sensors: list[ExternalId] = field(default_factory=list)
    area: Text | None = None
    road: Text | None = None
    direction: Text | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    lanes_blocked: Annotated[int, Meta(ge=0, le=20)] | None = None


class Weather(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What a weather station observed; precipitation is the sum over the hour before `time`."""

    key_field = "station"
    time_field = "time"

    station: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
    time: Time
    temperature_c: Annotated[float, Meta(ge=-90, le=70)] | None = None
    precipitation_mm: Annotated[float, Meta(ge=0, le=500)] | None = None
    wind_speed_kmh: Annotated[float, Meta(ge=0, le=500)] | None = None
    visibility_m: NonNegative | None = None
    condition: WeatherCondition | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None


class Prediction(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A forecast of a sensor's speed for `target_time`, made at `made_at`, with its interval."""

    key_field = "sensor"
    time_field = "made_at"

    sensor: ExternalId
    made_at: Time
    target_time: Time
    horizon_s: Annotated[int, Meta(gt=0)]
    speed_kmh: NonNegative
    lower_kmh: NonNegative | None = None
    upper_kmh: NonNegative | None = None
    model: Text = ""


class Alert(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An alert after a change of its state, or of who takes care of it.

    Of two events of an alert the one with the higher `revision` is newer. `value` is in the unit of the rule's
    measure; `areas`, `road` and `sensors` are where it is.
    """

    key_field = "id"
    time_field = "time"

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    time: Time
    rule: Text
    subject: Text
    state: Literal["pending", "firing", "resolved"]
    priority: Severity
    summary: Text = ""
    name: Text = ""
    revision: Annotated[int, Meta(ge=0)] = 0
    reason: Literal["value", "no_data"] = "value"
    value: float | None = None
    started_at: Time | None = None
    fired_at: Time | None = None
    resolved_at: Time | None = None
    acknowledged_at: Time | None = None
    acknowledged_by: Text | None = None
    assignee: Text | None = None
    areas: list[Text] = field(default_factory=list)
    road: Text | None = None
    sensors: list[Text] = field(default_factory=list)


ALL: Final[tuple[type[Event], ...]] = (Sensor, Reading, Incident, Weather, Prediction, Alert)

EventT = TypeVar("EventT", bound=Event)
T = TypeVar("T")

#: What reading bytes as JSON raises for those that are none, or that are nested too deeply.
UNREADABLE: Final = (ValueError, RecursionError)  # msgspec's own errors are of the first

_encoder = msgspec.json.Encoder()
_readings_decoder = msgspec.json.Decoder(Reading | list[Reading])
_predictions_decoder = msgspec.json.Decoder(Prediction | list[Prediction])
_decoders: dict[type[Event], msgspec.json.Decoder[Event]] = {kind: msgspec.json.Decoder(kind) for kind in ALL}


def encode(event: Event) -> bytes:
    """The event as it travels: UTF-8 JSON."""
    return _encoder.encode(event)


def encode_readings(readings: Sequence[Reading]) -> bytes:
    """A batch of readings as it travels in one message: the object of a single one, else a JSON array of them."""
    return encode_batch(readings)


def encode_batch(events: Sequence[Event]) -> bytes:
    """As `encode_readings`, of events of any one kind whose messages may carry several."""
    return _encoder.encode(events[0] if len(events) == 1 else events)


def decode(kind: type[EventT], value: bytes) -> EventT:
    """The event in `value`; raises `InvalidEvent` with the dead letter's reason when it is not one."""
    return _decoded(_decoders[kind], value)  # type: ignore[return-value]


def decode_readings(value: bytes) -> list[Reading]:
    """All readings of a message, one or a batch; raises `InvalidEvent` when any of them is not one."""
    found = _decoded(_readings_decoder, value)
    return found if isinstance(found, list) else [found]


def decode_predictions(value: bytes) -> list[Prediction]:
    """As `decode_readings`, of predictions."""
    found = _decoded(_predictions_decoder, value)
    return found if isinstance(found, list) else [found]


#: Why a message is no event, by `decode` and `check_time`; reasons of dead letters.
REASONS: Final = ("undecodable", "invalid", "naive_time", "future_time", "too_old")


def _decoded(decoder: msgspec.json.Decoder[T], value: bytes) -> T:
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        reason = "naive_time" if "timezone" in str(error) else "invalid"
        raise InvalidEvent(reason, str(error)) from None
    except UNREADABLE as error:
        raise InvalidEvent("undecodable", str(error)) from None


def check_time(event: Event, *, now: datetime, oldest: datetime, future_tolerance: timedelta) -> None:
    """Raise `InvalidEvent` when the event's time is further ahead than tolerated or older than `oldest`."""
    time = event.occurred_at
    if time is None:
        return
    if time > now + future_tolerance:
        raise InvalidEvent("future_time", f"{time.isoformat()} is more than {future_tolerance} ahead of the clock")
    if time < oldest:
        raise InvalidEvent("too_old", f"{time.isoformat()} is before {oldest.astimezone(UTC).isoformat()}")
