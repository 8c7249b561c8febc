"""`urbanclear source live` and `urbanclear source feeds` as a user runs them."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ingest.sources.live.feeds import ALL, named, renamed
from schema.events import Reading
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.kafka_content import read_all
from tests.waiting import until
from urbanclear.cli import app
from urbanclear.embedded.source import ReplayOptions, source_arguments
from urbanclear.errors import ConfigurationError

SNAPSHOT = b"""id\tSpeed\tTravelTime\tStatus\tDataAsOf\tlinkId
1\t30\t60\t0\t6/1/2026 08:00:00\t4616337
"""


async def test_a_feed_is_published_until_the_process_is_told_to_stop(
    feed_server: FeedServer, kafka_bootstrap: str
) -> None:
    feed_server.answers(Answer(SNAPSHOT, "text/plain"))
    words = ["source", "live", "nyc-dot", "--url", feed_server.url, "--every", "1s", "--as", "city"]
    environment = {**os.environ, "URBANCLEAR_KAFKA_BOOTSTRAP": kafka_bootstrap, "URBANCLEAR_LOG_FORMAT": "json"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "urbanclear", *words, env=environment, stderr=subprocess.PIPE
    )

    async def is_asked_again() -> bool:
        return len(feed_server.requests) > 1

    try:
        await until(is_asked_again)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert b'"event": "source.ended"' in said
    assert [reading.sensor for reading in await read_all(kafka_bootstrap, Reading)] == ["city:4616337"]


def test_the_feeds_are_listed_with_their_addresses() -> None:
    listed = CliRunner().invoke(app, ["source", "feeds"]).output
    for feed in ALL:
        assert f"{feed.name}  every " in listed
        assert (feed.url or "say --url") in listed
        assert feed.about in listed


def test_a_feed_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match="no feed 'nyc'; the feeds are nyc-dot, "):
        named("nyc")


@pytest.mark.parametrize("name", ["", "NYC", "a:b", "-a", "a b"])
def test_a_name_that_no_id_can_begin_with_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name of a feed"):
        renamed(ALL[0], name)


def test_up_runs_a_feed_by_its_name() -> None:
    assert source_arguments("live:nyc-dot", "7d", ReplayOptions()) == ["live", "nyc-dot"]


def test_every_feed_has_a_name_of_its_own_and_says_what_it_is() -> None:
    assert len({feed.name for feed in ALL}) == len(ALL)
    assert [feed.name for feed in ALL if not feed.about.endswith(".")] == []
