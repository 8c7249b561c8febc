"""The bare part: Starlette's own way to tell many the same. `python -m bench.websocket.bare PORT`.

`POST /` tells its body to every client of `/ws`, one after the other, as a Starlette application would.
"""

import sys
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from urbanclear.open_files import raise_limit

clients: set[WebSocket] = set()
SNAPSHOT: Final = '{"type":"snapshot"}'


async def listen(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    clients.add(websocket)
    await websocket.send_text(SNAPSHOT)
    try:
        await websocket.receive_text()
    except WebSocketDisconnect:
        clients.discard(websocket)


async def broadcast(request: Request) -> Response:
    text = (await request.body()).decode()
    for websocket in list(clients):
        await websocket.send_text(text)
    return Response()


if __name__ == "__main__":
    raise_limit()
    app = Starlette(routes=[WebSocketRoute("/ws", listen), Route("/", broadcast, methods=["POST"])])
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        backlog=4_096,
    )
