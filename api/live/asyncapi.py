"""The AsyncAPI 3 document of the WebSocket, made of the structs that are sent and read."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.live import items, messages
from urbanclear import __version__

router = APIRouter()

SAID: Final = (messages.Subscribe, messages.Unsubscribe, messages.Authenticate, messages.Ping)
TOLD: Final = (
    messages.Snapshot,
    messages.Update,
    messages.Lagged,
    messages.Error,
    messages.Pong,
    messages.Authenticated,
)
ITEMS: Final = (items.TrafficItem, items.IncidentItem, items.PredictionItem, items.AlertItem)
_CHANNELS: Final = {"traffic": "/ws/traffic", "named": "/ws/traffic/{client_id}"}


def document() -> dict[str, Any]:
    """The whole document; messages are JSON in text frames."""
    _, schemas = msgspec.json.schema_components([*SAID, *TOLD, *ITEMS], ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Urbanclear live",
            "version": __version__,
            "description": "Subscribe to traffic, incidents, predictions or alerts: a snapshot, then what changes.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, address) for name, address in _CHANNELS.items()},
        "operations": {
            "say": {"action": "receive", "channel": {"$ref": "#/channels/traffic"}, "messages": _refs(SAID)},
            "tell": {"action": "send", "channel": {"$ref": "#/channels/traffic"}, "messages": _refs(TOLD)},
        },
        "components": {
            "schemas": schemas,
            "messages": {kind.__name__: _message(kind) for kind in (*SAID, *TOLD)},
        },
    }


def _channel(name: str, address: str) -> dict[str, Any]:
    kinds = {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in (*SAID, *TOLD)}
    channel: dict[str, Any] = {"address": address, "messages": kinds}
    if name == "named":
        channel["parameters"] = {"client_id": {"description": "a name of the client's own"}}
    return channel


def _refs(kinds: tuple[type, ...]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/traffic/messages/{kind.__name__}"} for kind in kinds]


def _message(kind: type) -> dict[str, Any]:
    return {
        "name": kind.__name__,
        "summary": (kind.__doc__ or "").strip().splitlines()[0],
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


@router.get("/asyncapi.json", include_in_schema=False)
async def asyncapi() -> JSONResponse:
    """What may be said on the WebSocket, and what is told."""
    return JSONResponse(document())
