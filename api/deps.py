"""What routes are given."""

from typing import Annotated

from fastapi import Depends, Request

from api.bridge import Bridge
from api.database import Database
from api.hub import Hub


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


def _bridge(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


DatabaseDep = Annotated[Database, Depends(_database)]
HubDep = Annotated[Hub, Depends(_hub)]
BridgeDep = Annotated[Bridge, Depends(_bridge)]
