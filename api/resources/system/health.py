"""Whether the API lives, whether it can answer, and how it sees what it depends on."""

from typing import Any, Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import DBAPIError

from api.database import Database
from api.deps import BridgeDep, DatabaseDep, HubDep
from api.resources.system import queries
from api.resources.system.models import Check, Health, Life, Readiness
from schema.heartbeat import WELL_SECONDS
from urbanclear import __version__

router = APIRouter(tags=["system"])
probes = APIRouter(tags=["system"])
metrics_router = APIRouter(tags=["system"])

EXPECTED_PARTS: Final = ("ingest", "alerting")
GONE_SECONDS: Final = 24 * 3600
"""Of another part that has not beaten for so long nothing is said any more: it is not meant to run."""


@probes.get("/health/live")
async def live() -> Life:
    """That the process answers at all; where it does not, start it anew."""
    return Life(status="alive")


@probes.get("/health/ready", responses={503: {"model": Readiness, "description": "The database is away"}})
async def ready(database: DatabaseDep, response: Response) -> Readiness:
    """Whether requests can be answered; where not, send them to another process."""
    check = (await _database_checks(database))["database"]
    if not check.ok:
        response.status_code = 503
    return Readiness(status="ready" if check.ok else "waiting for the database", version=__version__)


@router.get("/health", responses={503: {"model": Health, "description": "The database is away"}})
async def health(database: DatabaseDep, bridge: BridgeDep, hub: HubDep, response: Response) -> Health:
    """200 while the API can answer; 503 when the database is away. Other failed checks make it `degraded`."""
    checks = await _database_checks(database)
    checks["kafka"] = Check(ok=bridge.connected, detail="" if bridge.connected else "not connected")
    if not checks["database"].ok:
        response.status_code = 503
    return Health(
        status="ok" if all(check.ok for check in checks.values()) else "degraded",
        version=__version__,
        checks=checks,
        websocket_clients=hub.clients.total(),
    )


@metrics_router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Prometheus's text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _database_checks(database: Database) -> dict[str, Check]:
    try:
        rows = await database.rows(queries.HEARTBEAT_AGES)
    except DBAPIError as error:
        return {"database": Check(ok=False, detail=str(error.orig).strip())}
    ages: dict[str, Any] = {row["part"]: float(row["age_s"]) for row in rows}
    others = sorted(part for part, age_s in ages.items() if part not in EXPECTED_PARTS and age_s < GONE_SECONDS)
    return {"database": Check(ok=True), **{part: _beat(ages.get(part)) for part in (*EXPECTED_PARTS, *others)}}


def _beat(age_s: float | None) -> Check:
    if age_s is None:
        return Check(ok=False, detail="never seen")
    return Check(ok=age_s <= WELL_SECONDS, detail=f"last heartbeat {age_s:.0f} s ago")
