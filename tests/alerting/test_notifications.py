"""Incidents told without a rule, into the outbox and out of it."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
from sqlalchemy import create_engine

from alerting import notifications
from alerting.delivery import Delivery
from schema.alerting.definitions import write as write_definition
from schema.alerting.routing import Contact
from schema.database import sqlalchemy_url
from tests.alerting.outbox import found, rows, settings
from tests.alerting.receiver import receiving
from urbanclear.errors import ConfigurationError, StartError

INCIDENT: dict[str, Any] = {
    "id": "ops:1",
    "time": "2026-11-02T08:15:00Z",
    "status": "reported",
    "kind": "road_works",
    "severity": "high",
    "started_at": datetime(2026, 11, 2, 8, tzinfo=UTC),
    "description": "Two lanes closed",
    "road": "Broadway",
    "area": "Manhattan",
    "sensors": ["nyc-dot:1"],
}


def contact(database_url: str, document: dict[str, Any]) -> None:
    definition = Contact.model_validate(document)
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.begin() as connection:
        connection.execute(write_definition("contact", definition.name, definition, "api", "test", 0))
    engine.dispose()


def asked(database_url: str) -> Any:
    return settings(database_url=database_url)


async def test_an_incident_is_written_once_for_all_who_take_its_severity_and_delivered(database_url: str) -> None:
    async with receiving() as receiver:
        hook = {"kind": "webhook", "to": receiver.url}
        contact(
            database_url,
            {"name": "ops", "channels": [hook, {"kind": "email", "to": "a@b.example", "least": "critical"}]},
        )
        contact(database_url, {"name": "pager", "channels": [{**hook, "to": f"{receiver.url}/2"}]})
        first = await notifications.send_incident_alert(INCIDENT, settings=asked(database_url))
        again = await notifications.send_incident_alert(dict(INCIDENT), settings=asked(database_url))
        assert first == again
        assert len(first) == 2
        assert sorted(found(database_url)) == sorted(first)
        assert [row["route"] for row in rows(database_url, "SELECT route FROM alert_notices")] == ["direct"]
        delivery = Delivery(database_url, settings())
        assert await delivery.run_once() == 2
        said = receiver.requests[0].json
        assert sorted(receiver.keys) == sorted(first)
        assert (said["kind"], said["priority"], said["status"]) == ("direct", "high", "firing")
        assert said["alerts"][0]["summary"] == "Road works: Broadway in Manhattan"
        assert said["alerts"][0]["labels"]["sensor"] == ["nyc-dot:1"]

        cleared = {**INCIDENT, "status": "cleared", "time": "2026-11-02T09:00:00Z"}
        ended = await notifications.send_incident_alert(cleared, settings=asked(database_url))
        assert not set(ended) & set(first)
        assert await delivery.run_once() == 2
        assert receiver.requests[-1].json["status"] == "resolved"
        await delivery.close()


async def test_named_contacts_alone_are_told_whatever_the_severity(database_url: str) -> None:
    contact(database_url, {"name": "ops", "channels": [{"kind": "email", "to": "a@b.example", "least": "critical"}]})
    contact(database_url, {"name": "other", "channels": [{"kind": "email", "to": "c@d.example"}]})
    ids = await notifications.send_incident_alert(INCIDENT, ["ops"], settings=asked(database_url))
    assert [found(database_url)[id_]["contact"] for id_ in ids] == ["ops"]


async def test_quiet_hours_are_kept_but_for_what_is_urgent(database_url: str) -> None:
    quiet = [{"from": "00:00", "until": "00:00", "time_zone": "UTC"}]
    contact(database_url, {"name": "ops", "channels": [{"kind": "email", "to": "a@b.example"}], "quiet": quiet})
    [held] = await notifications.send_incident_alert(INCIDENT, settings=asked(database_url))
    [urgent] = await notifications.send_incident_alert(
        {**INCIDENT, "severity": "critical"}, settings=asked(database_url)
    )
    now = datetime.now(UTC)
    assert found(database_url)[urgent]["next_at"] <= now
    assert found(database_url)[held]["next_at"].time() == time(0)
    assert found(database_url)[held]["next_at"] > now


async def test_anything_else_can_be_told_too(database_url: str) -> None:
    contact(database_url, {"name": "ops", "channels": [{"kind": "email", "to": "a@b.example"}]})
    alert = {"id": "backup", "summary": "The backup failed", "priority": "medium"}
    first = await notifications.send_alert(alert, settings=asked(database_url))
    assert await notifications.send_alert(alert, settings=asked(database_url)) == first
    assert await notifications.send_alert({**alert, "state": "resolved"}, settings=asked(database_url)) != first


@pytest.mark.parametrize(
    "wrong", [{}, {**INCIDENT, "severity": "worst"}, {**INCIDENT, "time": "yesterday"}, {"id": object()}]
)
async def test_what_is_no_incident_is_refused_and_nothing_is_written(
    database_url: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="no incident"):
        await notifications.send_incident_alert(wrong, settings=asked(database_url))
    assert found(database_url) == {}


async def test_a_contact_that_is_not_there_is_named(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="no contact nobody: known are none"):
        await notifications.send_incident_alert(INCIDENT, ["nobody"], settings=asked(database_url))


async def test_the_database_away_is_said() -> None:
    with pytest.raises(StartError, match="URBANCLEAR_DATABASE_URL"):
        await notifications.send_incident_alert(
            INCIDENT, settings=settings(database_url="postgresql://nobody@127.0.0.1:1/none")
        )
