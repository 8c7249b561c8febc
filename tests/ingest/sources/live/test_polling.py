"""What a poll of a feed publishes, into real Kafka, and what it answers to each mistake of a real server."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.outcome import Rejected
from schema.events import Incident, Reading
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.kafka_content import read_all
from urbanclear.errors import FeedChanged

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def parse(document: Document) -> Iterable[Part]:
    """A feed for tests: a JSON array of readings and incidents as they are on Kafka."""
    try:
        rows = msgspec.json.decode(document.body, type=list[dict[str, object]])
    except msgspec.MsgspecError as error:
        raise FeedChanged(f"{document.url} is no array: {error}.") from None
    for number, row in enumerate(rows):
        try:
            yield msgspec.convert(row, Incident if "id" in row else Reading)
        except msgspec.ValidationError:
            yield Rejected(document.origin(number), json.dumps(row).encode(), "invalid")


FEED = Feed(
    name="test",
    about="A feed for tests.",
    url="http://127.0.0.1:1/feed",
    every=timedelta(minutes=1),
    media=("application/json",),
    parse=parse,
)


def reading(minutes: float, speed_kmh: float = 50.0, sensor: str = "test:1") -> dict[str, object]:
    return {"sensor": sensor, "time": (NOW + timedelta(minutes=minutes)).isoformat(), "speed_kmh": speed_kmh}


def incident(key: str, minutes: float = 0, **said: object) -> dict[str, object]:
    time = (NOW + timedelta(minutes=minutes)).isoformat()
    what = {"status": "reported", "kind": "collision", "severity": "low", "started_at": NOW.isoformat()}
    return {"id": f"test:{key}", "time": time, **what, **said}


def listing(*rows: dict[str, object], **headers: str) -> Answer:
    return Answer(json.dumps(rows).encode(), headers=headers)


async def test_an_incident_appears_changes_and_vanishes(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(
        listing(incident("a"), incident("b")),
        listing(incident("a"), incident("b", 1, severity="high")),
        listing(incident("a")),
    )
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(2)
        polls.clock.forward(minutes=5)
        await polls.poll(3)
    found = [
        (event.id, event.status, event.severity, event.time) for event in await read_all(kafka_bootstrap, Incident)
    ]
    assert found == [
        ("test:a", "reported", "low", NOW),
        ("test:b", "reported", "low", NOW),
        ("test:b", "updated", "high", NOW + timedelta(minutes=1)),
        ("test:b", "cleared", "high", NOW + timedelta(minutes=5)),
    ]
