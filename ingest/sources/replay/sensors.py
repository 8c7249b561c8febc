"""Describes the sensors of a replayed file from what stands beside it, or from the file itself."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ingest.sources.replay import formats
from ingest.sources.replay.format import Format, canonical, shown
from ingest.sources.replay.geometry import length_m, link_line
from ingest.sources.replay.roads import road_and_direction
from ingest.sources.replay.tables import Table, open_table
from schema.events import LineString, Point, Sensor
from urbanclear.errors import ConfigurationError, SourceError

Row = Mapping[str, str]  # a sensor's row, by canonical column name


def describe(external_id: str, row: Row | None, chosen: Format, free_flow_speed_kmh: float | None) -> Sensor:
    """The sensor as far as it is known: without a row, what its format says, and its free-flow speed."""
    if row is not None and chosen.name in _DESCRIBED:
        return replace(_DESCRIBED[chosen.name](external_id, row), free_flow_speed_kmh=free_flow_speed_kmh)
    number = external_id.partition(":")[2]
    name = number if chosen is formats.READINGS else f"{chosen.name} {number}"
    return Sensor(
        external_id=external_id,
        name=chosen.known.get("name", name),
        kind=chosen.kind,
        road=chosen.known.get("road"),
        direction=chosen.known.get("direction"),
        free_flow_speed_kmh=free_flow_speed_kmh,
    )


def read_sidecar(chosen: Format, data: Path, given: Path | None) -> dict[str, Row]:
    """The rows of the sensors file by external id: the one given, or the one that lies beside the data."""
    if chosen.sidecar is None:
        if given is not None:
            raise ConfigurationError(f"The format {chosen.name} takes no file of sensors: leave {given} out.")
        return {}
    path = given or data.parent / chosen.sidecar
    if given is None and not path.is_file():
        return {}
    table = open_table(path)
    columns = [canonical(column) for column in table.columns]
    key = chosen.sidecar_column
    if key not in columns:
        raise SourceError(f"{path} is no file of sensors: it has {shown(table.columns)}, no {key}.")
    rows = (row for row in _rows(table) if len(row) == len(columns))
    named = (dict(zip(columns, row, strict=True)) for row in rows)
    return {chosen.prefix + row[key].strip(): row for row in named}


def _rows(table: Table) -> Iterator[list[str]]:
    for block in table.blocks():
        for index, row in enumerate(block.rows):
            if row is None:
                raise SourceError(f"{table.path}, line {block.line(index)}: {block.none_is.detail}.")
            yield row


def _link(external_id: str, row: Row) -> Sensor:
    name = " ".join(row.get("linkname", "").split()) or external_id
    road, direction = road_and_direction(name)
    line = link_line(row.get("encodedpolyline", ""), row.get("linkpoints", ""))
    middle = line[len(line) // 2] if line else None
    return Sensor(
        external_id=external_id,
        name=name,
        area=row.get("borough", "").strip().title() or None,
        road=road,
        direction=direction,
        lat=middle[0] if middle else None,
        lon=middle[1] if middle else None,
        geometry=LineString(coordinates=[[lon, lat] for lat, lon in line]) if line else None,
        length_m=round(length_m(line), 1) if line else None,
    )


def _detector(external_id: str, row: Row) -> Sensor:
    try:
        lat, lon = float(row["latitude"]), float(row["longitude"])
    except (KeyError, ValueError) as error:
        raise SourceError(f"The place of {external_id} cannot be read from the sensors file: {error}.") from error
    return Sensor(
        external_id=external_id,
        name=f"Detector {external_id.partition(':')[2]}",
        kind="detector",
        lat=lat,
        lon=lon,
        geometry=Point(coordinates=[lon, lat]),
    )


def _segment(external_id: str, row: Row) -> Sensor:
    road = " ".join(row["roadwayname"].split()) or None
    ends = [" ".join(row.get(name, "").split()) for name in ("from", "to")]
    direction = row["direction"].strip().upper()
    return Sensor(
        external_id=external_id,
        name=f"{road or external_id} {direction}, {ends[0]} to {ends[1]}",
        kind="detector",
        road=road,
        direction=direction.removesuffix("B") or None,
    )


_DESCRIBED: Final[dict[str, Callable[[str, Row], Sensor]]] = {
    formats.NYC_DOT.name: _link,
    formats.METR_LA.name: _detector,
    formats.NYC_VOLUME.name: _segment,
}
