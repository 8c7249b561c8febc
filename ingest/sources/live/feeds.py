"""All live feeds, by the name that the command line knows them by."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from msgspec import structs

from ingest.sources.live import datex2, ny511, nyc_collisions, nyc_dot, open511, open_meteo, wzdx
from ingest.sources.live.feed import Document, Feed, Part
from schema.events import Event
from urbanclear.errors import ConfigurationError

ALL: Final[tuple[Feed, ...]] = (
    nyc_dot.FEED,
    nyc_collisions.FEED,
    open_meteo.FEED,
    ny511.FEED,
    open511.FEED,
    wzdx.FEED,
    datex2.FEED,
)


def named(name: str) -> Feed:
    """The feed called `name`."""
    for feed in ALL:
        if feed.name == name:
            return feed
    raise ConfigurationError(f"There is no feed {name!r}; the feeds are {', '.join(feed.name for feed in ALL)}.")


def renamed(feed: Feed, name: str) -> Feed:
    """The feed under another name, with which all its ids begin: so that one kind of feed can run for two places."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ConfigurationError(f"{name!r} is no name of a feed: say small letters, digits and hyphens.")

    def parse(document: Document) -> Iterable[Part]:
        for part in feed.parse(document):
            yield _called(part, feed.name, name) if isinstance(part, Event) else part

    return replace(feed, name=name, parse=parse)


def _called(event: Event, before: str, name: str) -> Event:
    key = event.key.removeprefix(f"{before}:")
    return structs.replace(event, **{event.key_field: f"{name}:{key}"})
