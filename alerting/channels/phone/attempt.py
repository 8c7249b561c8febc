"""One try of Apprise's, in a thread: what came of it, and why, in words without secrets."""

import contextvars
import logging
import re
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Final

from apprise import Apprise, AppriseAsset, NotifyType, PersistentStoreMode
from apprise.plugins.base import NotifyBase

from alerting.guard import Addresses, forbidden
from alerting.guarded_threads import Watch, watched
from urbanclear.errors import Refused, TryLater

#: Spoken to without TLS, on a host of one's own; `ntfy` only where it names a host.
_PLAIN: Final = frozenset({"bark", "gotify", "smseagle", "ntfy"})
_STATUS: Final = re.compile(r"error=(\d{3})")
_AGAIN: Final = frozenset({408, 425, 429})
_SHORTEST_SECRET: Final = 5  # characters; whatever is so long in an address is not repeated
_preparing: Final = threading.Lock()
_told: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("told", default=None)


@dataclass(frozen=True)
class Text:
    """What is sent. `urgent` is how Apprise marks it."""

    title: str
    body: str
    urgent: bool


def attempt(url: str, scheme: str, text: Text, addresses: Addresses) -> None:
    """Raises `TryLater` or `Refused`. Blocks until the service answers, or for some seconds."""
    _prepare()
    said: list[str] = []
    service = _service(url)
    watch = Watch(addresses, listed_only=scheme in _PLAIN and not _in_the_cloud(service))

    def send() -> bool:
        _told.set(said)
        kind = NotifyType.FAILURE if text.urgent else NotifyType.INFO
        return bool(service.notify(body=text.body, title=text.title, notify_type=kind))

    if watched(watch, send):
        return
    if watch.refused:
        raise Refused(forbidden(f"the address {watch.refused[0]}"))
    detail = _without_secrets(" ".join(said), url) or "the service did not take it"
    status = _STATUS.search(detail)
    if status is not None and 400 <= int(status[1]) < 500 and int(status[1]) not in _AGAIN:
        raise Refused(detail)
    raise TryLater(detail)


def _service(url: str) -> NotifyBase:
    asset = AppriseAsset(app_id="Urbanclear", storage_mode=PersistentStoreMode.MEMORY, async_mode=False)
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        raise Refused("Apprise cannot read the address: see https://appriseit.com for how one of this service is")
    return service


def _in_the_cloud(service: NotifyBase) -> bool:
    """Whether ntfy's own server is meant, which is spoken to with TLS."""
    return getattr(service, "mode", None) == "cloud"


def _without_secrets(text: str, url: str) -> str:
    for part in re.split(r"[:/@?&=,]+", url):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, "…")
    return " ".join(text.split())[:300]


class _Listener(logging.Handler):
    """Keeps what Apprise says of a try with that try, and out of the log: there are addresses in it."""

    def emit(self, record: logging.LogRecord) -> None:
        told = _told.get()
        if told is not None:
            told.append(record.getMessage())


def _prepare() -> None:
    with _preparing:
        _listen()
        _load()


@cache
def _load() -> None:
    """Apprise reads all its services at the first use; what old modules among them warn of is not our matter."""
    with warnings.catch_warnings(action="ignore"):
        Apprise.instantiate("ntfy://topic")


@cache
def _listen() -> None:
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.handlers = [_Listener(logging.WARNING)]
