"""All live feeds, by the name that the command line knows them by."""

from typing import Final

from ingest.sources.live.feed import Feed
from urbanclear.errors import ConfigurationError

ALL: Final[tuple[Feed, ...]] = ()


def named(name: str) -> Feed:
    """The feed called `name`."""
    for feed in ALL:
        if feed.name == name:
            return feed
    raise ConfigurationError(f"There is no feed {name!r}; the feeds are {', '.join(feed.name for feed in ALL)}.")
