"""`/ws/traffic`: subscribe to topics, be sent a snapshot of each and then what changes."""

import asyncio
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, WebSocket, WebSocketDisconnect

from api import metrics
from api.live.hub import Client, Hub

router = APIRouter()

LEAST_INTERVAL_SECONDS = 0.25
SEND_TIMEOUT_SECONDS = 30.0
TRY_AGAIN_LATER = 1013  # RFC 6455 registry: the client could not keep up


class Request(msgspec.Struct):
    """What a client may say."""

    type: Literal["subscribe", "unsubscribe"]
    topic: str


@router.websocket("/ws/traffic")
async def listen(websocket: WebSocket) -> None:
    """Any client."""
    await _serve(websocket)


@router.websocket("/ws/traffic/{client_id}")
async def listen_as(websocket: WebSocket, client_id: Annotated[str, Path(max_length=100)]) -> None:
    """A client that names itself."""
    await _serve(websocket)


async def _serve(websocket: WebSocket) -> None:
    hub: Hub = websocket.app.state.hub
    client = Client()
    await websocket.accept()
    hub.join(client)
    sender = asyncio.create_task(_send(websocket, client))
    try:
        await _receive(websocket, hub, client)
    finally:
        hub.leave(client)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _receive(websocket: WebSocket, hub: Hub, client: Client) -> None:
    """Until the client leaves."""
    while True:
        try:
            text = await websocket.receive_text()
            request = msgspec.json.decode(text, type=Request)
            topic = hub.topics[request.topic]
        except WebSocketDisconnect:
            return
        except (msgspec.DecodeError, KeyError) as error:
            await _refuse(websocket, error, hub)
            continue
        if request.type == "subscribe":
            client.subscribe(topic)
        else:
            client.unsubscribe(topic)


async def _refuse(websocket: WebSocket, error: Exception, hub: Hub) -> None:
    if isinstance(error, KeyError):
        code, message = "unknown_topic", f"no such topic; there are {', '.join(hub.topics)}"
    else:
        code, message = "bad_request", f'{error}; say {{"type": "subscribe", "topic": "traffic"}}'
    await websocket.send_json({"type": "error", "code": code, "message": message})


async def _send(websocket: WebSocket, client: Client) -> None:
    """Write what is pending; a client that does not take it in time is cut off and may come again."""
    while True:
        for message in await client.next_messages():
            try:
                await asyncio.wait_for(websocket.send_text(message), SEND_TIMEOUT_SECONDS)
            except TimeoutError:
                await websocket.close(TRY_AGAIN_LATER)
                return
            metrics.WEBSOCKET_MESSAGES.inc()
        await asyncio.sleep(LEAST_INTERVAL_SECONDS)
