"""How things are, as it is told."""

from pydantic import BaseModel, Field


class Check(BaseModel):
    """How one thing the API depends on is doing."""

    ok: bool
    detail: str = ""


class Health(BaseModel):
    """Whether the API can answer, and what it sees of the rest."""

    status: str = Field(description="ok, or degraded when any check fails")
    version: str
    checks: dict[str, Check]
    websocket_clients: int
