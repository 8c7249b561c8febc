"""What was written through the API, by whom: a row for each request, written beside it so that no request waits.

While the database is away rows wait in memory. Those that there is no room for, or that are left when the process
stops, are written to the log instead and counted.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from fastapi import Request
from sqlalchemy import insert
from sqlalchemy.exc import DataError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import metrics
from api.access.granted import Granted
from api.access.store import AWAY, Store
from schema.scopes import Scope as Needed
from schema.tables import audit_log
from urbanclear.logs import get_logger

log = get_logger("api")

BATCH: Final = 500
MOST_WAITING: Final = 10_000
RETRY_SECONDS: Final = 2.0
LAST_TRY_SECONDS: Final = 2.0
_WRITE: Final = insert(audit_log)

Row = dict[str, Any]


class AuditLog:
    """`add` returns at once; `run` writes."""

    def __init__(self, store: Store, most_waiting: int = MOST_WAITING) -> None:
        self._store = store
        self._most_waiting = most_waiting
        self._waiting: deque[Row] = deque()
        self._woken = asyncio.Event()

    def add(self, row: Row) -> None:
        """Write `row` soon."""
        if len(self._waiting) >= self._most_waiting:
            _lose(self._waiting.popleft())
        self._waiting.append(row)
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled; the database away is waited for."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._write()
            except AWAY as problem:
                log.warning("audit.database_away", error=str(problem).splitlines()[0], waiting=len(self._waiting))
                self._woken.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Write what waits, if that can be done at once."""
        try:
            async with asyncio.timeout(LAST_TRY_SECONDS):
                await self._write()
        except (*AWAY, TimeoutError) as problem:
            log.warning("audit.not_written", error=repr(problem), rows=len(self._waiting))
        while self._waiting:
            _lose(self._waiting.popleft())

    async def _write(self) -> None:
        most = BATCH
        while self._waiting:
            rows = list(islice(self._waiting, most))
            try:
                await self._store.write(_WRITE, rows)
            except DataError:  # one of them holds what the database does not take
                if len(rows) == 1:
                    _lose(self._waiting.popleft())
                most = 1
                continue
            for row in rows:
                if self._waiting and self._waiting[0] is row:  # else it was lost meanwhile
                    self._waiting.popleft()
            metrics.AUDIT_ROWS.labels("written").inc(len(rows))


def note(request: Request, subject: str | None = None, **detail: object) -> None:
    """What the row of this request is to say of what was done; never a secret or a body."""
    request.state.noted = (subject, detail or None)


class Audit:
    """ASGI middleware: a row for each request that somebody known made of a route which is a write."""

    def __init__(self, app: ASGIApp, audit: AuditLog) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        time, status = datetime.now(UTC), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if (row := _row(scope, time, status)) is not None:
                self._audit.add(row)


def _row(scope: Scope, time: datetime, status: int) -> Row | None:
    state, route = scope.get("state", {}), scope.get("route")
    granted: Granted | None = state.get("granted")
    if route is None or granted is None or granted.name is None or state.get("required") is Needed.READ:
        return None
    subject, detail = state.get("noted", (None, None))
    return {
        "time": time,
        "key_id": granted.key_id,
        "name": granted.name,
        "address": state["address"],
        "method": scope["method"],
        "path": scope["path"].replace("\x00", ""),
        "action": getattr(route, "name", ""),
        "subject": subject,
        "status": status,
        "detail": detail,
    }


def _lose(row: Row) -> None:
    """Its words remain in the log."""
    metrics.AUDIT_ROWS.labels("lost").inc()
    log.error("audit.lost", **{**row, "time": row["time"].isoformat()})
