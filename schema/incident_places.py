"""The sensors that incidents are at, where their source names none: found by place, road and direction.

Ingest places an incident as it stores it. The upkeep does so for those of before, and for each that lasts when
descriptions of sensors have come since.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from schema.roads.at import Measured, Sensors

AT_ONCE: Final = 1_000
"""Incidents that are placed in one round, the newest first."""

_NEWEST: Final = "SELECT count(*) AS sensors, max(updated_at) AS described_at FROM sensors"
_WAITING: Final = """
    SELECT id, lat, lon, road, direction FROM incidents
    WHERE lat IS NOT NULL AND lon IS NOT NULL AND (%(ids)s::text[] IS NULL OR id = ANY (%(ids)s))
      AND CASE WHEN placed_at IS NULL THEN sensors = '{}'
          ELSE cleared_at IS NULL AND placed_at < %(described_at)s END
    ORDER BY time DESC, id LIMIT %(at_once)s
"""
_SENSORS: Final = "SELECT external_id AS sensor, geometry, lat, lon, road, direction FROM sensors"
#: Not where it was told anew since it was read.
_PLACE: Final = """
    UPDATE incidents SET sensors = %(sensors)s, placed_at = now()
    WHERE id = %(id)s AND (placed_at IS NOT NULL OR sensors = '{}')
      AND (lat, lon, road, direction) IS NOT DISTINCT FROM (%(lat)s, %(lon)s, %(road)s, %(direction)s)
"""


class Placing:
    """Knows the sensors until another description comes."""

    def __init__(self) -> None:
        self._described: tuple[int, datetime | None] | None = None
        self._sensors = Sensors(())

    async def place(self, connection: AsyncConnection, ids: Sequence[str] | None = None) -> int:
        """Place the incidents that wait for it, or those of them with these `ids`; how many those are."""
        cursor = connection.cursor(row_factory=dict_row)
        newest = await (await cursor.execute(_NEWEST)).fetchone()
        assert newest is not None  # noqa: S101
        waiting = await (await cursor.execute(_WAITING, {**newest, "ids": ids, "at_once": AT_ONCE})).fetchall()
        if not waiting:
            return 0
        described = newest["sensors"], newest["described_at"]
        if described != self._described:
            rows = await (await cursor.execute(_SENSORS)).fetchall()
            self._sensors = await asyncio.to_thread(lambda: Sensors(map(Measured.of, rows)))
            self._described = described
        placed = await asyncio.to_thread(lambda: [{**row, "sensors": self._at(row)} for row in waiting])
        for row in placed:  # one at a time, so that in autocommit none waits for another that ingest holds
            await cursor.execute(_PLACE, row)
        return len(waiting)

    def _at(self, incident: Mapping[str, Any]) -> list[str]:
        return self._sensors.at((incident["lon"], incident["lat"]), incident["road"], incident["direction"])
