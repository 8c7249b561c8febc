"""How things are, as it is told."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Life(BaseModel):
    """That the process answers."""

    status: str = Field(examples=["alive"])


class Readiness(BaseModel):
    """Whether requests can be answered."""

    status: str = Field(description="ready, or what is waited for", examples=["ready"])
    version: str = Field(examples=["0.1.0"])


class Check(BaseModel):
    """How one thing the API depends on is doing."""

    ok: bool
    detail: str = ""


class Health(BaseModel):
    """Whether the API can answer, and what it sees of the rest."""

    status: str = Field(description="ok, or degraded when any check fails", examples=["ok"])
    version: str = Field(examples=["0.1.0"])
    checks: dict[str, Check]
    websocket_clients: int = Field(examples=[3])


class Status(BaseModel):
    """How the whole is doing, as `urbanclear status` says."""

    ok: bool = Field(description="false when any part is unwell")
    parts: dict[str, dict[str, Any]] = Field(
        description="each part's `ok`, its figures, and its `problem` where it has one",
        examples=[{"kafka": {"ok": True, "offsets": {"traffic.readings": 120_000}, "lag": 0}}],
    )


class DeadLetter(BaseModel):
    """A message that could not be accepted."""

    id: str = Field(description="partition/offset in the topic of dead letters", examples=["0/17"])
    time: datetime
    reason: str = Field(examples=["future_time"])
    detail: str = Field(
        description="what exactly is wrong with it", examples=["Object missing required field `time`"]
    )
    origin: str = Field(
        description="topic/partition/offset, or a source's words", examples=["traffic.readings/3/901"]
    )
    value: str = Field(description="the message, as far as it is text; in a list only its beginning")


class DeadLetters(BaseModel):
    """The newest dead letters, newest first."""

    items: list[DeadLetter]
    reasons: dict[str, int] = Field(description="how many there are of each reason in all", examples=[{"invalid": 3}])
