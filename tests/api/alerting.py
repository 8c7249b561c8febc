"""Alerts as the engine writes them, for whoever reads or changes them over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from schema.dialect import connectable
from schema.tables import alert_notices, alerts, notifications

NOW = datetime.now(UTC).replace(microsecond=0)
LABELS: dict[str, Any] = {
    "rule": "slow",
    "kind": "threshold",
    "priority": "high",
    "subject": "test:bridge",
    "sensor": "test:bridge",
    "area": "Staten Island",
    "road": "Bridge Road",
}

#: Every column of an alert that nothing has happened to.
EMPTY: dict[str, Any] = {**dict.fromkeys(column.name for column in alerts.c), "revision": 1}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def alert_row(number: str = "a1", **said: Any) -> dict[str, Any]:
    """A row of `alerts`: it fires for five minutes where not said otherwise."""
    known = {
        "id": number,
        "rule": "slow",
        "rule_version": 1,
        "subject": f"test:{number}",
        "name": "Bridge",
        "state": "firing",
        "reason": "value",
        "priority": "high",
        "labels": LABELS,
        "value": 12.5,
        "summary": "Bridge is slow",
        "started_at": NOW - minutes(10),
        "fired_at": NOW - minutes(5),
        "observed_at": NOW,
    }
    if said.get("state") == "resolved":
        known["resolved_at"] = NOW
    return {**known, **said}


def add_alerts(database_url: str, *rows: dict[str, Any]) -> None:
    with connectable(database_url).begin() as connection:
        for row in rows:
            connection.execute(insert(alerts).values(row))


def add_notification(database_url: str, number: str, *told: str, **said: Any) -> None:
    """A message about the alerts `told`, which was given up where not said otherwise."""
    notice = {
        "id": f"notice-{number}",
        "route": "everybody",
        "step": 0,
        "group_key": "slow",
        "group_labels": {},
        "alert_ids": list(told),
        "due_at": NOW,
        "done_at": NOW,
        "outcome": "told",
    }
    known = {
        "id": number,
        "notice_id": f"notice-{number}",
        "contact": "on-call",
        "kind": "webhook",
        "channel": {"kind": "webhook", "to_secret": "URBANCLEAR_SECRET_HOOK"},
        "destination": "URBANCLEAR_SECRET_HOOK",
        "priority": "high",
        "state": "given_up",
        "attempts": 9,
        "next_at": NOW - minutes(1),
        "finished_at": NOW,
        "error": "503 Service Unavailable",
    }
    with connectable(database_url).begin() as connection:
        connection.execute(insert(alert_notices).values(notice))
        connection.execute(insert(notifications).values({**known, **said}))
