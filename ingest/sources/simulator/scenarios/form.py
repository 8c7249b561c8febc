"""What a scenario file (TOML) may hold, and reading one; docs/simulator.md explains each key."""

import tomllib
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from schema.events import IncidentKind, Severity
from urbanclear.durations import parse_duration
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Duration

BUNDLED: Final = files("ingest.sources.simulator.scenarios")

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Lasting = Annotated[Duration, Field(gt=timedelta(0))]


def _start(value: object) -> object:
    if isinstance(value, str) and value.startswith("+"):
        try:
            return parse_duration(value[1:])
        except ConfigurationError as error:
            raise ValueError(str(error).rstrip(".")) from None
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class Part(BaseModel):
    """A table of the file; a key that is not here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Box(Part):
    """A bounding box."""

    south: Latitude
    west: Longitude
    north: Latitude
    east: Longitude


class Rolling(Part):
    """A closure that passes along the route at `speed_kmh` and shuts each link for `closed_for`."""

    speed_kmh: float = Field(gt=0, le=100)
    closed_for: Lasting


class Detour(Part):
    """What the traffic that is kept out does to the links near by."""

    within_m: float = Field(gt=0, le=50_000)
    demand: float = Field(ge=0, le=5)


class Effect(Part):
    """What happens to the links that meet all the keys of place given; with none, to the whole city."""

    roads: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    kinds: tuple[Literal["expressway", "parkway", "bridge", "tunnel", "avenue", "street"], ...] = ()
    directions: tuple[Literal["N", "E", "S", "W"], ...] = ()
    sensors: tuple[str, ...] = ()
    box: Box | None = None
    route: Annotated[tuple[tuple[Latitude, Longitude], ...], Field(min_length=2)] | None = None
    within_m: float = Field(250.0, gt=0, le=50_000)

    after: Duration = timedelta(0)
    lasts: Lasting | None = None
    rolling: Rolling | None = None

    capacity_left: float | None = Field(None, ge=0, le=1)
    lanes_closed: int | None = Field(None, ge=1, le=20)
    demand: float = Field(1.0, ge=0, le=5)
    detour: Detour | None = None

    @property
    def has_place(self) -> bool:
        """Whether it is about less than the whole city."""
        return any((self.roads, self.areas, self.kinds, self.directions, self.sensors, self.box, self.route))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.capacity_left is not None and self.lanes_closed is not None:
            raise ValueError("say capacity_left or lanes_closed, not both")
        if self.rolling is not None and self.route is None:
            raise ValueError("rolling needs a route to pass along")
        if self.rolling is not None and self.lasts is not None:
            raise ValueError("rolling says by closed_for how long it lasts: leave out lasts")
        return self


class WeatherForm(Part):
    """The weather at its worst; at the station it is never better than the city's own."""

    condition: Literal["rain", "snow", "fog", "storm"] = "storm"
    precipitation_mm: float = Field(0.0, ge=0, le=200)
    wind_speed_kmh: float = Field(0.0, ge=0, le=300)
    visibility_m: float = Field(16_000.0, ge=0)


class Announcement(Part):
    """The incident that is reported at the start, updated half-way and cleared at the end."""

    kind: IncidentKind = "event"
    severity: Severity = "medium"
    description: str = Field("", max_length=1000)


class Form(Part):
    """A whole scenario."""

    title: str = Field(min_length=1, max_length=200)
    start: Annotated[AwareDatetime | timedelta, BeforeValidator(_start)]
    lasts: Lasting
    weekly: bool = False
    ramp_up: Duration = timedelta(0)
    ramp_down: Duration = timedelta(0)
    effects: tuple[Effect, ...] = ()
    weather: WeatherForm | None = None
    announce: Announcement | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.weekly and isinstance(self.start, timedelta):
            raise ValueError("weekly needs a start with date and offset, such as 2026-12-05T09:00:00-05:00")
        if self.weekly and self.lasts > timedelta(days=7):
            raise ValueError("lasts must not be longer than the week in which it happens again")
        if any(effect.after >= self.lasts for effect in self.effects):
            raise ValueError("after must be shorter than lasts of the scenario")
        if not self.effects and self.weather is None:
            raise ValueError("there is nothing that happens: say effects or weather")
        return self


def bundled() -> list[str]:
    """The names of the scenarios that come along."""
    return sorted(file.name.removesuffix(".toml") for file in BUNDLED.iterdir() if file.name.endswith(".toml"))


def read(name: str) -> tuple[str, Form]:
    """The scenario that is bundled by this name or lies in this file, and its short name.

    Raises `ConfigurationError`, which says which key is wrong and what is allowed.
    """
    if name in bundled():
        return name, parse(BUNDLED.joinpath(f"{name}.toml").read_text(), name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join(bundled())
        raise ConfigurationError(f"There is no scenario {name}: say a TOML file or one of {known}.")
    try:
        return path.stem, parse(path.read_text(), name)
    except UnicodeDecodeError:
        raise ConfigurationError(f"Scenario {name} is not UTF-8 text: save it as that.") from None


def parse(text: str, name: str) -> Form:
    """The scenario in `text`; `name` is what errors call it."""
    try:
        return Form.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"Scenario {name} is not valid TOML: {error}.") from None
    except ValidationError as error:
        raise ConfigurationError(f"Scenario {name}: {'; '.join(map(_said, error.errors()))}.") from None


def _said(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"] if part not in ("timedelta", "datetime")) or "as a whole"
    if error["type"] == "extra_forbidden":
        return f"{where} is not a key here: allowed are {', '.join(_allowed(error['loc'][:-1]))}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _allowed(place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at `place`."""
    tables: dict[str, type[Part]] = {
        "effects": Effect,
        "weather": WeatherForm,
        "announce": Announcement,
        "box": Box,
        "rolling": Rolling,
        "detour": Detour,
    }
    words = [part for part in place if isinstance(part, str)]
    return list((tables[words[-1]] if words else Form).model_fields)
