"""Incidents whose source names no sensors are put on those that they are at, as ingest stores them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from msgspec.structs import replace

from schema.events import Incident, LineString, Sensor
from schema.incident_places import Placing
from tests.ingest.storing import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CRASH = Incident(
    id="511:1", time=NOON, status="reported", kind="collision", severity="high", started_at=NOON, road="FDR Dr",
    lat=40.005, lon=-73.9,
)  # fmt: skip


def link(name: str, direction: str, lon: float = -73.9) -> Sensor:
    line = LineString(coordinates=[[lon, 40.0], [lon, 40.01]])
    return Sensor(external_id=f"dot:{name}", name=name, road="FDR Drive", direction=direction, geometry=line)


async def place(url: str, placing: Placing | None = None) -> int:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return await (placing or Placing()).place(connection)


async def known(url: str, incident: str = CRASH.id) -> Any:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute(
            "SELECT sensors, placed_at IS NOT NULL FROM incidents WHERE id = %s", [incident]
        )
        return await found.fetchone()


async def test_an_incident_is_at_the_links_of_its_road_and_direction(database_url: str) -> None:
    north = replace(CRASH, id="511:2", direction="N")
    named = replace(CRASH, id="511:3", sensors=["dot:else"])
    nowhere = replace(CRASH, id="511:4", lat=None, lon=None)
    async with Store(database_url) as ingest:
        assert await ingest.store([link("north", "N"), link("south", "S", -73.9003)]) == []
        assert await ingest.store([CRASH, north, named, nowhere]) == []
    assert await known(database_url) == (["dot:north", "dot:south"], True)
    assert await known(database_url, "511:2") == (["dot:north"], True)
    assert await known(database_url, "511:3") == (["dot:else"], False)
    assert await known(database_url, "511:4") == ([], False)
    assert await place(database_url) == 0


async def test_what_was_found_holds_while_the_incident_is_told_anew_until_it_is_elsewhere(database_url: str) -> None:
    later = replace(CRASH, time=NOON + timedelta(minutes=1), status="updated", lanes_blocked=1)
    moved = replace(later, time=NOON + timedelta(minutes=2), lat=41.0)
    named = replace(moved, time=NOON + timedelta(minutes=3), sensors=["dot:else"])
    back = replace(CRASH, time=NOON + timedelta(minutes=4), status="cleared")
    async with Store(database_url) as ingest:
        await ingest.store([link("north", "N"), CRASH])
        with psycopg.connect(database_url) as connection:  # as though somebody had corrected it by hand
            connection.execute("UPDATE incidents SET sensors = '{dot:held}'")
        await ingest.store([later])
        assert await known(database_url) == (["dot:held"], True)
        await ingest.store([moved])
        assert await known(database_url) == ([], True)
        await ingest.store([named])
        assert await known(database_url) == (["dot:else"], False)
        await ingest.store([back])
        assert await known(database_url) == (["dot:north"], True)


async def test_the_upkeep_places_those_of_before_and_those_that_last_when_sensors_are_described(
    database_url: str,
) -> None:
    placing, over = Placing(), replace(CRASH, id="511:over", status="cleared")
    async with Store(database_url) as ingest:
        await ingest.store([CRASH, over])
        assert await known(database_url) == ([], True)
        await ingest.store([link("north", "N")])
        assert await place(database_url, placing) == 1
        assert await known(database_url) == (["dot:north"], True)
        assert await known(database_url, "511:over") == ([], True)
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE incidents SET sensors = '{}', placed_at = NULL")
        assert await place(database_url, placing) == 2
        assert await known(database_url, "511:over") == (["dot:north"], True)
        assert await place(database_url, placing) == 0
