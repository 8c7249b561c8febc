"""`/api/v1/stream/{topic}`: the same as the WebSocket, as Server-Sent Events (HTML standard, 9.2)."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.access.address import address_of
from api.deps import AccessDep, HubDep, SettingsDep
from api.http.describing import problem
from api.http.problems import bad_parameter
from api.live import items, metrics
from api.live.admission import refusal
from api.live.filters import MOST_AREAS, Filter
from api.live.hub import NO_ROOM, Hub, NotFilled
from api.live.messages import DEFAULT_INTERVAL, LEAST_INTERVAL, LONGEST_INTERVAL, Message, Subscribe
from api.resources.filters import NO_NUL, Bbox, Sensors, parse_bbox

router = APIRouter(tags=["live"])

QUIET_SECONDS: Final = 15.0
MEDIA_TYPE: Final = "text/event-stream"


class TopicName(StrEnum):
    """What can be followed."""

    TRAFFIC, INCIDENTS, PREDICTIONS, ALERTS = items.TRAFFIC, items.INCIDENTS, items.PREDICTIONS, items.ALERTS


Areas = Annotated[
    list[Annotated[str, Query(max_length=200, pattern=NO_NUL)]] | None,
    Query(
        alias="area", max_length=MOST_AREAS, description="part of the city; may be repeated", examples=[["manhattan"]]
    ),
]
Interval = Annotated[
    float, Query(ge=LEAST_INTERVAL, le=LONGEST_INTERVAL, description="least seconds between two events")
]
Since = Annotated[
    str | None, Query(max_length=4_096, description="a cursor to go on from; `Last-Event-ID` goes before")
]
LastEventId = Annotated[str | None, Header(max_length=4_096, description="as browsers send it when they come back")]


class Slot:
    """An outlet that holds what the client has not taken yet: one message, and no more until it is gone."""

    def __init__(self) -> None:
        self._waiting: list[Message] = []
        self._filled = asyncio.Event()
        self._cut = False

    def is_ready(self) -> bool:
        return not self._waiting

    def write(self, message: Message) -> None:
        self._waiting.append(message)
        self._filled.set()

    def cut(self) -> None:
        self._cut = True
        self._filled.set()

    async def taken(self) -> AsyncIterator[bytes]:
        """Events as they come, with a comment now and then so that nothing between closes the connection."""
        while not self._cut:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._filled.wait()
            except TimeoutError:
                yield b":\n\n"
                continue
            self._filled.clear()
            waiting, self._waiting = self._waiting, []
            for message in waiting:
                yield message.event


@router.get(
    "/stream/{topic}",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events without end; `id` is the cursor, `data` a snapshot or update as on the WebSocket",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        429: problem("There are as many clients from this address as are allowed"),
    },
)
async def stream(
    request: Request,
    access: AccessDep,
    hub: HubDep,
    settings: SettingsDep,
    topic: Annotated[TopicName, Path(description="what to follow")],
    area: Areas = None,
    sensor: Sensors = None,
    bbox: Bbox = None,
    interval: Interval = DEFAULT_INTERVAL,
    since: Since = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow a topic: a snapshot, then what changes. A browser that loses the connection goes on by itself."""
    address = address_of(request.scope)
    refused = refusal(hub, settings, address)
    if refused is not None:
        raise HTTPException(refused.status_code, bytes(refused.body).decode().strip(), dict(refused.headers))
    wanted = Filter.of(area, sensor, None if bbox is None else parse_bbox(bbox))
    asked = Subscribe(topic=topic.value, interval=interval, since=last_event_id or since)
    slot = Slot()
    try:
        message, seq = await hub.first(asked, wanted)
    except NotFilled:
        return _come_back(hub)
    except ValueError as error:
        raise bad_parameter("since", str(error)) from None
    if not hub.has_room_for(asked, wanted):
        raise HTTPException(503, f"{NO_ROOM}.", {"Retry-After": "30"})
    slot.write(message)
    access.authentication.keys.standing.keep(slot, request.state.granted, Slot.cut)
    metrics.note_sent(message)
    body = _events(hub, address, asked, wanted, slot, seq)
    return StreamingResponse(body, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _come_back(hub: Hub) -> Response:
    """A stream that ends: browsers go on by themselves from where they were, which they do not after an error."""
    return Response(_retry(hub), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _retry(hub: Hub) -> bytes:
    return f"retry: {round(hub.retry_after() * 1_000)}\n\n".encode()


async def _events(
    hub: Hub, address: str, asked: Subscribe, wanted: Filter, slot: Slot, seq: int
) -> AsyncIterator[bytes]:
    """Listens while it is read; what came since `seq` is told first."""
    group = hub.subscribe(asked, wanted, slot, seq)
    hub.enter(address)
    hub.streams.add(slot)
    metrics.STREAMS.set(len(hub.streams))
    try:
        yield _retry(hub)
        async for event in slot.taken():
            yield event
    finally:
        hub.unsubscribe(group, slot)
        hub.leave(address)
        hub.streams.discard(slot)
        metrics.STREAMS.set(len(hub.streams))
