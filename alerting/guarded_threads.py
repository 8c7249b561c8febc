"""The guard for code of others that opens its own connections: while it runs in one of our threads, every connection
is checked at the moment it is made, by the address it is made to.

Python tells of each connection before it is made (PEP 578); one that is not permitted is refused there, whatever name
it was looked up by and wherever a redirect led. That holds within `watched`, and only there.
"""

import contextvars
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from alerting.guard import Addresses

T = TypeVar("T")


@dataclass
class Watch:
    """What may be connected to, and the addresses that were refused. `listed_only`: what the operator named alone."""

    addresses: Addresses
    listed_only: bool = False
    refused: list[str] = field(default_factory=list)

    def check(self, address: str) -> None:
        """Raises `ConnectionRefusedError`."""
        permits = self.addresses.lists if self.listed_only else self.addresses.permits
        if not permits(address):
            self.refused.append(address)
            raise ConnectionRefusedError(f"{address} is in a network that notifications must not go to")


_watch: contextvars.ContextVar[Watch | None] = contextvars.ContextVar("watch", default=None)


def watched(watch: Watch, call: Callable[[], T]) -> T:
    """`call()`, in this thread, with every connection of its checked."""
    _install()
    context = contextvars.copy_context()
    return context.run(_with, watch, call)


def _with(watch: Watch, call: Callable[[], T]) -> T:
    _watch.set(watch)
    return call()


@cache
def _install() -> None:
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto") or (watch := _watch.get()) is None:
        return
    ours, address = arguments
    if ours.family not in (socket.AF_INET, socket.AF_INET6):
        raise ConnectionRefusedError("only addresses of the Internet may be connected to")
    watch.check(str(address[0]).partition("%")[0])
