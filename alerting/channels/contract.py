"""What every channel promises: to hand one message to one receiver, or to say why not and whether to try again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from alerting.message import Message
from schema.alerting.routing import Channel

Reference = Mapping[str, Any]
"""By which the receiver knows a message, such as Slack's channel and ts."""


@dataclass(frozen=True)
class Outgoing:
    """One message on its way. `key` is the same at each try; `reference` is of the message about the same alerts that
    this receiver was given before, where there is one."""

    key: str
    contact: str
    channel: Channel
    message: Message
    reference: Reference | None = None


@dataclass(frozen=True)
class Preview:
    """A message as its receiver would see it, and the ending of a file that holds it."""

    content: bytes
    ending: str


class Sender(ABC):
    """One channel. `send` may be called by `width` tasks at once for one destination, and is broken off after
    `deadline_s`. With `shared`, all destinations are behind one server: they wait in one line, and fail as one.
    """

    shared: ClassVar[bool] = False
    width: ClassVar[int] = 4
    deadline_s: ClassVar[float] = 20.0

    @abstractmethod
    async def send(self, outgoing: Outgoing) -> Reference | None:
        """Returns once the receiver has taken the message.

        Raises `urbanclear.errors.TryLater`, which may say when, or `Refused`, which is for good. Being broken off
        counts as the former. What is given out twice carries the same key.
        """

    @abstractmethod
    async def preview(self, outgoing: Outgoing) -> Preview:
        """What `send` would give the receiver; nothing leaves this machine."""

    async def close(self) -> None:  # noqa: B027 – most have nothing to close
        """Let go of connections."""
