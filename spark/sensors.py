"""The sensors of a city, and where they stand along their corridors."""

from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from spark.spans import answering
from urbanclear.errors import ConfigurationError

_SENSORS: Final = """
    SELECT sensors.id, external_id AS sensor, area, road, corridor, ordinal, kind, lanes
    FROM sensors LEFT JOIN measures.links ON links.sensor_id = sensors.id
    ORDER BY sensors.id
"""


@dataclass(frozen=True)
class Sensor:
    """A sensor, and its place along its corridor."""

    id: int
    sensor: str
    area: str | None
    road: str | None
    corridor: str | None
    ordinal: int | None
    kind: str = "link"
    lanes: int | None = None

    @property
    def along(self) -> str:
        """Its corridor, or one of its own."""
        return self.corridor or f"sensor {self.id}"

    @property
    def place(self) -> tuple[int, int]:
        """What sensors of a corridor are ordered by."""
        return self.ordinal or 0, self.id


def sensors_of(database_url: str) -> list[Sensor]:
    """All sensors; raises `ConfigurationError` where there is none, or no database that answers."""
    with answering(database_url) as connection, connection.cursor(row_factory=class_row(Sensor)) as cursor:
        found = cursor.execute(_SENSORS).fetchall()
    if not found:
        raise ConfigurationError("There are no sensors yet: start a source, for example with `urbanclear up`.")
    return found
