"""Asking alerting, which is a process of its own: a row that says what is wanted, and a word that there is one."""

import asyncio
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from fastapi import HTTPException
from sqlalchemy import RowMapping, func, insert, select, text

from api.access.store import Store
from api.database import Database
from api.resources.alert_requests.shapes import REQUEST
from schema.heartbeat import WELL_SECONDS
from schema.tables import alert_requests, heartbeats

TELL: Final = text("NOTIFY alert_requests")
LOOK_SECONDS: Final = 0.1
OVER: Final = ("done", "failed")
_WELL: Final = select(func.count()).where(
    heartbeats.c.part == "alerting", heartbeats.c.time > func.now() - timedelta(seconds=WELL_SECONDS)
)


async def ask(database: Database, store: Store, kind: str, body: dict[str, Any], actor: str) -> str:
    """The number of the question; raises 503 where nobody is there to answer it."""
    if not await database.value(_WELL):
        detail = "No alerting process is running, which would work this out: start `urbanclear alerting`."
        raise HTTPException(503, detail, {"Retry-After": "10"})
    number = uuid4().hex
    async with store.transaction() as connection:
        values = {"id": number, "kind": kind, "body": body, "requested_by": actor}
        await connection.execute(insert(alert_requests).values(values))
        await connection.execute(TELL)
    return number


async def answer_of(database: Database, number: str, within: timedelta) -> RowMapping:
    """How it stands once it is over, or after that time. Raises 404 for a question that was never asked."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within.total_seconds()
    while True:
        rows = await database.rows(REQUEST.select().where(alert_requests.c.id == number))
        if not rows:
            raise HTTPException(404, f"There is no request {number}: it was never made, or is forgotten by now.")
        if rows[0]["state"] in OVER or loop.time() >= end:
            return rows[0]
        await asyncio.sleep(LOOK_SECONDS)
