"""A feed for tests: a JSON array of readings and incidents as they are on Kafka, and documents of it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.outcome import Rejected
from schema.events import Incident, Reading
from tests.ingest.sources.live.server import Answer
from urbanclear.errors import FeedChanged

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def parse(document: Document) -> Iterable[Part]:
    """Objects with an `id` are incidents."""
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
    """A reading of some minutes after `NOW`."""
    return {"sensor": sensor, "time": (NOW + timedelta(minutes=minutes)).isoformat(), "speed_kmh": speed_kmh}


def incident(key: str, minutes: float = 0, **said: object) -> dict[str, object]:
    """An incident that began at `NOW`, some minutes later."""
    time = (NOW + timedelta(minutes=minutes)).isoformat()
    what = {"status": "reported", "kind": "collision", "severity": "low", "started_at": NOW.isoformat()}
    return {"id": f"test:{key}", "time": time, **what, **said}


def listing(*rows: dict[str, object], **headers: str) -> Answer:
    """A document that holds the rows."""
    return Answer(json.dumps(rows).encode(), headers=headers)


GOOD = listing(reading(0)).body
