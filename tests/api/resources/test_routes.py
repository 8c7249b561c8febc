"""The fastest ways over a small city of links, and what is said where there is none."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from api.resources.routes.knowledge import NORMAL_S
from api.resources.routes.routes import FARTHEST_AHEAD
from api.resources.routes.search import MOST_OVERLAP, MOST_STRETCH, PENALTY, TRIES
from api.resources.routes.speeds import CURRENT_S, LEAST_KMH
from schema.roads.network import FARTHEST_M, SNAP_M, U_TURN_DEGREES
from tests.api.resources.conftest import NOON, minutes
from tests.batch import profile_of, run_of
from tests.schema.city import METRES_PER_DEGREE, City, Reading, city_at

KM = 1000 / METRES_PER_DEGREE
ROUTES_MD = (Path(__file__).parents[3] / "docs" / "routes.md").read_text()
MODEL = "gradient-boosting-3"
WEST, EAST, ISLAND = (0, 0), (2, 0), (10.5, 10)


def at(east_km: float, north_km: float) -> list[float]:
    """A place at the equator, where a degree is as wide as it is high."""
    return [east_km * KM, north_km * KM]


async def link(city: City, name: str, *places_km: tuple[float, float], **columns: Any) -> int:
    line = {"type": "LineString", "coordinates": [at(*place) for place in places_km]}
    known = {"kind": "link", "geometry": Jsonb(line), "free_flow_speed_kmh": 60, "lanes": 2, **columns}
    return await city.sensor(name, **known)


@asynccontextmanager
async def linked(database_url: str) -> AsyncIterator[City]:
    """From west to east 2 km straight ahead, 2.5 km by the north, 2.8 km by the south; one straight way back; a link
    that is far from all others."""
    async with city_at(database_url) as city:
        await link(city, "direct-1", (0, 0), (1, 0))
        await link(city, "direct-2", (1, 0), (2, 0))
        await link(city, "north-1", (0, 0), (1, 0.75))
        await link(city, "north-2", (1, 0.75), (2, 0))
        await link(city, "south-1", (0, 0), (1, -1))
        await link(city, "south-2", (1, -1), (2, 0))
        await link(city, "back", (2, 0), (0, 0))
        await link(city, "island", (10, 10), (11, 10))
        yield city


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with linked(database_url) as city:
        yield city


def asked(start: tuple[float, float] = WEST, goal: tuple[float, float] = EAST, **more: Any) -> dict[str, Any]:
    (from_lon, from_lat), (to_lon, to_lat) = at(*start), at(*goal)
    depart_at = {"depart_at": NOON.isoformat()}
    return {"from_lat": from_lat, "from_lon": from_lon, "to_lat": to_lat, "to_lon": to_lon, **depart_at, **more}


async def routes(api: httpx.AsyncClient, **more: Any) -> list[dict[str, Any]]:
    answer = await api.get("/routes", params=asked(**more))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["routes"])


async def refusal(api: httpx.AsyncClient, **more: Any) -> tuple[int, str]:
    answer = await api.get("/routes", params=asked(**more))
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def sensors(route: dict[str, Any]) -> list[str]:
    return [leg["sensor"] for leg in route["legs"]]


async def foretell(
    city: City, sensor: str, until: datetime, speed_kmh: float, *, made_at: datetime = NOON, width: float = 10
) -> None:
    """That the speed of the 5 minutes that end at `until` is this."""
    await city.chunks("predictions", at=until)
    await city.connection.execute(
        "INSERT INTO predictions SELECT id, %s, %s, %s, %s, %s, %s FROM sensors WHERE external_id = %s",
        [until, made_at, speed_kmh, speed_kmh - width, speed_kmh + width, MODEL, f"t:{sensor}"],
    )


async def test_the_fastest_way_is_told_with_its_legs_and_others_that_differ(api: httpx.AsyncClient) -> None:
    found = await routes(api)
    assert [sensors(route) for route in found] == [
        ["t:direct-1", "t:direct-2"],
        ["t:north-1", "t:north-2"],
        ["t:south-1", "t:south-2"],
    ]
    assert [route["travel_time_s"] for route in found] == pytest.approx([120, 150, 169.7], abs=0.1)
    assert [route["overlap"] for route in found] == [1, 0, 0]
    first = found[0]
    assert datetime.fromisoformat(first["arrive_at"]) == NOON + timedelta(seconds=120)
    assert (first["lower_s"], first["upper_s"], first["interval_share"]) == (None, None, 0)
    assert first["length_m"] == pytest.approx(2000, abs=0.5)
    assert first["geometry"]["coordinates"] == [pytest.approx(at(km, 0), abs=1e-6) for km in (0, 1, 2)]
    assert [leg["basis"] for leg in first["legs"]] == ["free_flow", "free_flow"]
    assert datetime.fromisoformat(first["legs"][1]["enters_at"]) == NOON + timedelta(seconds=60)
    assert [leg["speed_kmh"] for leg in first["legs"]] == [60, 60]


async def test_a_part_of_a_link_is_driven_where_one_begins_or_ends_on_it(api: httpx.AsyncClient) -> None:
    answer = (await api.get("/routes", params=asked((0.2, 0.01), (1.5, 0.02), alternatives=0))).json()
    [only] = answer["routes"]
    assert [leg["length_m"] for leg in only["legs"]] == pytest.approx([800, 500], abs=0.5)
    told = [*only["geometry"]["coordinates"], [answer["begins"]["lon"], answer["begins"]["lat"]]]
    assert all(degrees == round(degrees, 6) for place in told for degrees in place)
    assert answer["begins"] == {
        "lat": pytest.approx(0, abs=1e-6),
        "lon": pytest.approx(0.2 * KM, abs=1e-6),
        "sensor": "t:direct-1",
        "distance_m": pytest.approx(10, abs=0.1),
    }
    assert answer["ends"]["distance_m"] == pytest.approx(20, abs=0.1)
    [same] = await routes(api, start=(0.2, 0), goal=(0.8, 0), alternatives=0)
    assert (sensors(same), same["travel_time_s"]) == (["t:direct-1"], 36)


async def test_of_a_road_the_direction_is_taken_that_leads_there(api: httpx.AsyncClient) -> None:
    [only] = await routes(api, start=(1.5, 0), goal=(0.5, 0), alternatives=0)
    assert (sensors(only), only["travel_time_s"]) == (["t:back"], 60)


async def test_a_jam_that_is_forecast_for_when_one_comes_there_is_avoided(api: httpx.AsyncClient, city: City) -> None:
    for step in (5, 10):
        await foretell(city, "direct-1", NOON + minutes(step), 60)
    await foretell(city, "direct-2", NOON + minutes(5), 60)
    await foretell(city, "direct-2", NOON + minutes(10), 20)
    await foretell(city, "direct-2", NOON + minutes(10), 90, made_at=NOON - minutes(5))
    now, later = [
        (await routes(api, depart_at=(NOON + minutes(step)).isoformat(), alternatives=0))[0] for step in (0, 4.5)
    ]
    assert (sensors(now), sensors(later)) == (["t:direct-1", "t:direct-2"], ["t:north-1", "t:north-2"])
    assert [(leg["basis"], leg["model"]) for leg in now["legs"]] == [("forecast", MODEL)] * 2


async def test_the_interval_is_that_of_all_links_at_once(api: httpx.AsyncClient, city: City) -> None:
    for name in ("direct-1", "direct-2"):
        await foretell(city, name, NOON + minutes(5), 60, width=15)
    [only] = await routes(api, alternatives=0)
    assert only["travel_time_s"] == 120
    assert (only["lower_s"], only["upper_s"]) == (2 * 48, 2 * 80)
    assert only["interval_share"] == 1


async def test_what_is_measured_holds_for_a_quarter_of_an_hour_then_what_is_normal(
    api: httpx.AsyncClient, city: City
) -> None:
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:island'")
    newest = datetime.now(UTC)
    await city.read([Reading(row["id"], newest - minutes(2), 30.0)])
    run = await run_of(city, "patterns", newest)
    for kind in ("weekday", "saturday", "sunday"):
        await profile_of(city, run, "sensor", "t:island", kind, 40)
    for depart_at, basis, takes in (("now", "current", 120), ("now+20m", "profile", 90), ("now+23h", "profile", 90)):
        [only] = await routes(api, start=(10, 10), goal=(11, 10), depart_at=depart_at)
        assert ([leg["basis"] for leg in only["legs"]], only["travel_time_s"]) == ([basis], takes)
    assert (only["lower_s"], only["upper_s"]) == (72, 120)


async def close(city: City, lanes: int, **columns: Any) -> None:
    known = {"status": "reported", "cleared_at": None, "started_at": NOON - minutes(30), **columns}
    await city.connection.execute(
        "INSERT INTO incidents (id, time, status, kind, severity, started_at, cleared_at, sensors, lanes_blocked) "
        "VALUES ('t:works', %s, %s, 'road_works', 'high', %s, %s, '{t:direct-2}', %s)",
        [NOON, known["status"], known["started_at"], known["cleared_at"], lanes],
    )


async def test_a_link_all_of_whose_lanes_are_blocked_is_avoided(api: httpx.AsyncClient, city: City) -> None:
    await close(city, 2)
    answer = (await api.get("/routes", params=asked())).json()
    assert [sensors(route)[0] for route in answer["routes"]] == ["t:north-1", "t:south-1"]
    assert answer["closures"] == [{"sensor": "t:direct-2", "incident": "t:works"}]


@pytest.mark.parametrize(
    ("lanes", "columns"),
    [
        (1, {}),
        (2, {"started_at": NOON + minutes(30)}),
        (2, {"status": "cleared", "cleared_at": NOON - minutes(1)}),
    ],
)
async def test_a_link_that_is_open_at_the_departure_is_not_avoided(
    api: httpx.AsyncClient, city: City, lanes: int, columns: dict[str, Any]
) -> None:
    await close(city, lanes, **columns)
    answer = (await api.get("/routes", params=asked())).json()
    assert (sensors(answer["routes"][0])[1], answer["closures"]) == ("t:direct-2", [])


async def test_places_that_do_not_hang_together_are_told_with_how_near_one_can_come(api: httpx.AsyncClient) -> None:
    status, detail = await refusal(api, goal=ISLAND)
    assert status == 404
    assert "t:direct-1 in component 1 (7 links) and t:island in component 2 (1 link) do not hang together" in detail
    assert "The nearest one can come is 13.1 km from it, at 0.00000, 0.01799 on" in detail


async def test_a_place_that_lies_behind_on_a_road_of_one_direction_is_told_so(api: httpx.AsyncClient) -> None:
    status, detail = await refusal(api, start=(10.8, 10), goal=(10.2, 10))
    assert (status, "not in the direction of travel" in detail) == (404, True)
    assert "The nearest one can come is 0.6 km from it" in detail


@pytest.mark.parametrize(
    ("asking", "parameter", "says"),
    [
        ({"start": (-3, 0)}, "from_lat", "3.0 km from the nearest link, and may be 2 km from it: say one nearer to"),
        ({"goal": (2, 5)}, "to_lat", "say one nearer to 0.00"),
        ({"depart_at": "now+25h"}, "depart_at", "more than 24 hours ahead"),
        ({"depart_at": "1999-01-01T00:00:00Z"}, "depart_at", "is before what is kept: say 20"),
        ({"depart_at": "soon"}, "depart_at", "is no time"),
        ({"alternatives": 3}, "alternatives", "less than or equal to 2"),
        ({"from_lat": 91}, "from_lat", "less than or equal to 90"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(
    api: httpx.AsyncClient, asking: dict[str, Any], parameter: str, says: str
) -> None:
    status, detail = await refusal(api, **asking)
    assert (status, detail.startswith(f"query.{parameter}: "), says in detail) == (422, True, True), detail


async def test_a_new_link_is_driven_on_from_the_next_question_on(api: httpx.AsyncClient, city: City) -> None:
    assert sensors((await routes(api))[0])[0] == "t:direct-1"
    await link(city, "tunnel", WEST, EAST, free_flow_speed_kmh=120)
    assert sensors((await routes(api))[0]) == ["t:tunnel"]


async def test_links_of_which_no_speed_is_known_are_not_driven_on(api: httpx.AsyncClient, city: City) -> None:
    await city.connection.execute("UPDATE sensors SET free_flow_speed_kmh = NULL, updated_at = now()")
    assert await refusal(api) == (404, "There is no link with a place and a known speed: see /api/v1/sensors.")


async def test_an_answer_that_has_not_changed_is_not_sent_again(api: httpx.AsyncClient) -> None:
    etag = (await api.get("/routes", params=asked())).headers["etag"]
    again = await api.get("/routes", params=asked(), headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_documented_examples_work(api: httpx.AsyncClient, city: City) -> None:
    line = {"type": "LineString", "coordinates": [[-73.999, 40.708], [-73.9905, 40.701]]}
    north = {"type": "LineString", "coordinates": [[-73.999, 40.708], [-73.98, 40.75]]}
    await city.sensor("bridge", kind="link", geometry=Jsonb(line), free_flow_speed_kmh=60)
    await city.sensor("north", kind="link", geometry=Jsonb(north), free_flow_speed_kmh=60)
    over_the_bridge, in_half_an_hour = re.findall(r'curl "http://127.0.0.1:8000/api/v1(.*)"', ROUTES_MD)
    for address, expected in ((over_the_bridge, ["t:bridge"]), (in_half_an_hour, ["t:north"])):
        answer = await api.get(address)
        assert answer.status_code == 200, answer.text
        assert [sensors(route) for route in answer.json()["routes"]] == [expected]


def test_the_constants_are_documented() -> None:
    text = " ".join(ROUTES_MD.split())
    assert f"ends are up to {SNAP_M:.0f} m apart" in text
    assert f"on one up to {SNAP_M:.0f} m farther" in text
    assert f"turns by more than {U_TURN_DEGREES:.0f}°" in text
    assert f"Farther than {FARTHEST_M / 1000:g} km" in text
    assert f"of the {CURRENT_S / 60:.0f} minutes before the departure" in text
    assert f"up to {NORMAL_S / 3600:.0f} hours after the departure" in text
    assert f"Below {LEAST_KMH:g} km/h" in text
    assert f"known {PENALTY} times slower and searching again, up to {TRIES} times" in text
    assert f"at most {MOST_OVERLAP:.0%}".replace("%", " %") in text
    assert f"up to {MOST_STRETCH} times as long" in text
    assert f"up to {FARTHEST_AHEAD.total_seconds() / 3600:.0f} hours ahead" in text
