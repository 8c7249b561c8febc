"""The event of an alert says what its row says."""

from datetime import UTC, datetime, timedelta

from schema.alerting.events import alert_event
from schema.events import Alert, decode, encode
from schema.tables import alerts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def row(**changed: object) -> dict[str, object]:
    nothing = dict.fromkeys(column.name for column in alerts.c)
    known = {
        "id": "a1",
        "rule": "slow",
        "subject": "test:bridge",
        "name": "Bridge",
        "state": "firing",
        "reason": "value",
        "priority": "high",
        "labels": {},
        "summary": "Bridge is slow",
        "revision": 3,
        "value": 12.5,
        "started_at": NOON,
        "fired_at": NOON + timedelta(minutes=5),
        "observed_at": NOON + timedelta(minutes=5),
    }
    return {**nothing, **known, **changed}


def test_the_event_of_an_alert_survives_the_wire() -> None:
    event = alert_event(row(labels={"sensor": ["test:bridge", "test:tunnel"], "area": "Brooklyn", "road": "Bridge"}))
    assert decode(Alert, encode(event)) == event
    assert (event.sensors, event.areas, event.road) == (["test:bridge", "test:tunnel"], ["Brooklyn"], "Bridge")
    assert (event.revision, event.value, event.started_at) == (3, 12.5, NOON)


def test_its_time_is_that_of_its_newest_change() -> None:
    later = NOON + timedelta(hours=1)
    assert alert_event(row()).time == NOON + timedelta(minutes=5)
    assert alert_event(row(acknowledged_at=later)).time == later
    assert alert_event(row(acknowledged_at=later), later + timedelta(minutes=1)).time == later + timedelta(minutes=1)


def test_a_title_that_is_filled_in_to_more_than_an_event_takes_is_cut() -> None:
    event = alert_event(row(summary="x" * 5_000))
    assert decode(Alert, encode(event)).summary == "x" * 1_000
