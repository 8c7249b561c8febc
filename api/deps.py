"""What routes are given."""

from typing import Annotated

from fastapi import Depends, Request

from api.access.access import Access
from api.access.granted import Granted
from api.database import Database
from api.live.bridge import Bridge
from api.live.hub import Hub
from api.push import Push
from api.resources.incidents.reporting import Reporting
from urbanclear.settings import Settings


async def _access(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


async def _actor(request: Request) -> str:
    granted: Granted = request.state.granted
    return granted.name or ""


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


async def _bridge(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


async def _push(request: Request) -> Push:
    push: Push = request.app.state.push
    return push


async def _reporting(request: Request) -> Reporting:
    reporting: Reporting = request.app.state.reporting
    return reporting


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


AccessDep = Annotated[Access, Depends(_access)]
#: Who writes: the name of the key, or the subject of the token.
ActorDep = Annotated[str, Depends(_actor)]
DatabaseDep = Annotated[Database, Depends(_database)]
HubDep = Annotated[Hub, Depends(_hub)]
BridgeDep = Annotated[Bridge, Depends(_bridge)]
ReportingDep = Annotated[Reporting, Depends(_reporting)]
PushDep = Annotated[Push, Depends(_push)]
SettingsDep = Annotated[Settings, Depends(_settings)]
