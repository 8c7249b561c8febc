"""Which sensors a question is about, said alike everywhere."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Path, Query
from sqlalchemy import ColumnElement, func, literal, or_, select

from api.database import Database
from api.http.problems import bad_parameter
from schema.tables import sensors

NO_NUL: Final = r"^[^\x00]*$"
MOST_SENSORS: Final = 200

Area = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=NO_NUL,
        description="part of the city, in any case, or as staten-island",
        examples=["Manhattan"],
    ),
]
Road = Annotated[
    str | None, Query(max_length=200, pattern=NO_NUL, description="road, in any case", examples=["FDR Drive"])
]
Corridor = Annotated[
    str | None,
    Query(max_length=300, pattern=NO_NUL, description="road and direction, in any case", examples=["FDR Drive N"]),
]
Sensors = Annotated[
    list[Annotated[str, Query(max_length=200, pattern=NO_NUL)]] | None,
    Query(
        alias="sensor",
        max_length=MOST_SENSORS,
        description=f"external id, may be said up to {MOST_SENSORS} times",
        examples=[["nyc-dot:4616337"]],
    ),
]
Bbox = Annotated[
    str | None,
    Query(
        max_length=200,
        description="west,south,east,north in degrees, WGS 84 (RFC 7946, 5)",
        examples=["-74.03,40.69,-73.90,40.88"],
    ),
]
SensorPath = Annotated[
    str, Path(max_length=200, pattern=NO_NUL, description="external id", examples=["nyc-dot:4616337"])
]


@dataclass(frozen=True)
class Where:
    """What was said; nothing is all sensors."""

    area: str | None
    road: str | None
    sensors: tuple[str, ...]
    bbox: tuple[float, float, float, float] | None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Of the table `sensors`."""
        found: list[ColumnElement[bool]] = []
        if self.area is not None:
            found.append(in_area(sensors.c.area, self.area))
        if self.road is not None:
            found.append(alike(sensors.c.road, self.road))
        if self.sensors:
            found.append(sensors.c.external_id.in_(self.sensors))
        if self.bbox is not None:
            west, south, east, north = self.bbox
            found += [sensors.c.lon.between(west, east), sensors.c.lat.between(south, north)]
        return found


def alike(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether the column is `text`, upper and lower case being alike."""
    return func.lower(column) == text.lower()


def containing(text: str) -> list[ColumnElement[bool]]:
    """Whether a sensor has each word of `text`, of the first ten, in its name, road or id."""
    columns = (sensors.c.name, sensors.c.road, sensors.c.external_id)
    return [or_(*[column.icontains(word, autoescape=True) for column in columns]) for word in text.split()[:10]]


def in_area(column: ColumnElement[Any], area: str) -> ColumnElement[bool]:
    """Whether the column is the area, said by its name in any case, or as `staten-island`."""
    return _slug(column) == _slug(literal(area))


def _slug(area: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.lower(func.regexp_replace(area, "[^[:alnum:]]+", "-", "g"))


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """Raises the problem of a box that is none."""
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise bad_parameter("bbox", f"{text!r} is not west,south,east,north in degrees") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise bad_parameter("bbox", "west,south,east,north are degrees, west not beyond east, south not beyond north")
    return west, south, east, north


async def _where(area: Area = None, road: Road = None, sensor: Sensors = None, bbox: Bbox = None) -> Where:
    return Where(area, road, tuple(sensor or ()), None if bbox is None else parse_bbox(bbox))


WhereDep = Annotated[Where, Depends(_where)]


async def sensor_id_of(database: Database, external_id: str) -> int:
    """The key of a sensor; raises 404 where there is none."""
    found = await database.value(select(sensors.c.id).where(sensors.c.external_id == external_id))
    if found is None:
        raise HTTPException(404, f"There is no sensor {external_id}: see /api/v1/sensors for those there are.")
    return int(found)
