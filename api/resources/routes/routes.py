"""`/api/v1/routes`."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from api.deps import DatabaseDep, SettingsDep
from api.http.answering import LIVE, answer_json
from api.http.asking import AskedWholeDep
from api.http.describing import Responses, problem
from api.http.problems import bad_parameter
from api.http.times import LATEST, parse_time
from api.resources.patterns.normal import Calendar
from api.resources.routes.finding import search_of, why_none
from api.resources.routes.knowledge import Networks, traffic_of
from api.resources.routes.shapes import Routes, Telling

router = APIRouter(prefix="/routes", tags=["routes"])

FARTHEST_AHEAD: Final = timedelta(hours=24)

Departure = Annotated[
    str,
    Query(
        max_length=64,
        description="RFC 3339 with an offset (write + as %2B), or relative: `now`, `now+30m`, `latest` (the newest "
        "reading); up to 24 hours ahead, and not before 5-minute rollups are kept",
        examples=["now"],
    ),
]
FromLat = Annotated[float, Query(ge=-90, le=90, description="degrees, WGS 84", examples=[40.708])]
FromLon = Annotated[float, Query(ge=-180, le=180, description="degrees, WGS 84", examples=[-73.999])]
ToLat = Annotated[float, Query(ge=-90, le=90, description="degrees, WGS 84", examples=[40.701])]
ToLon = Annotated[float, Query(ge=-180, le=180, description="degrees, WGS 84", examples=[-73.9905])]
Alternatives = Annotated[int, Query(ge=0, le=2, description="most ways beside the fastest", examples=[2])]

DESCRIBED: Final[Responses] = {
    200: {
        "headers": {"ETag": {"description": "for `If-None-Match`", "schema": {"type": "string"}}},
        "description": "The fastest way and others",
    },
    304: {"description": "As it was when its `ETag`, sent as `If-None-Match`, was given"},
    404: problem("No link can be driven on, or no way leads there; `detail` says how near one can come"),
    406: problem("`Accept` does not allow JSON"),
}


async def _networks(request: Request) -> Networks:
    networks: Networks = request.app.state.networks
    return networks


NetworksDep = Annotated[Networks, Depends(_networks)]


async def _departure(database: DatabaseDep, settings: SettingsDep, depart_at: Departure = "now") -> datetime:
    now = datetime.now(UTC)
    latest = await database.value(LATEST) if depart_at.startswith("latest") else None
    try:
        time = parse_time(depart_at, now=now, latest=latest)
    except (ValueError, OverflowError) as error:
        raise bad_parameter("depart_at", str(error)) from None
    if time > now + FARTHEST_AHEAD:
        raise bad_parameter("depart_at", f"{time.isoformat()} is more than 24 hours ahead: say an earlier time")
    kept = settings.rollups_5m_retention
    oldest = settings.oldest_time if kept is None else max(settings.oldest_time, now - kept)
    if time < oldest:
        said = f"{time.isoformat()} is before what is kept: say {oldest:%Y-%m-%d} or later"
        raise bad_parameter("depart_at", said)
    return time


DepartureDep = Annotated[datetime, Depends(_departure)]


@router.get("", response_model=Routes, responses=DESCRIBED)
async def find_routes(
    asked: AskedWholeDep,
    database: DatabaseDep,
    settings: SettingsDep,
    networks: NetworksDep,
    departs: DepartureDep,
    from_lat: FromLat,
    from_lon: FromLon,
    to_lat: ToLat,
    to_lon: ToLon,
    alternatives: Alternatives = 2,
) -> Response:
    """The fastest way over the links, and up to two others, with the speeds that are expected on the way.

    Others have at most 70 % of the way in common with it and with one another, and take up to 1.5 times as long.
    """
    asked.form(streamed=())
    network = await networks.current(database)
    traffic = await traffic_of(database, Calendar(settings.time_zone, settings.holidays), network, departs)
    places = ((from_lon, from_lat), (to_lon, to_lat))
    search = await asyncio.to_thread(search_of, network, traffic, departs.timestamp(), places)
    ways = await asyncio.to_thread(search.ways, alternatives)
    if not ways:
        raise HTTPException(404, await asyncio.to_thread(why_none, search, traffic, places[1]))
    return answer_json(asked, Telling(search, traffic, asked.zone).answer(ways), cache=LIVE)
