"""Rows of the outbox as the engine writes them, and what became of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting.message import Message, Told
from schema.alerting.routing import Channel
from schema.alerting.words import Priority
from urbanclear.settings import Settings

NOW = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8", "::1/128")


def told(alert: str = "a1", state: str = "firing", **fields: Any) -> Told:
    given = {
        "id": alert,
        "rule": "congestion",
        "subject": "nyc-dot:1",
        "name": "Broadway",
        "state": state,
        "priority": Priority.HIGH,
        "summary": "Broadway is slow",
        "description": "12 km/h where 40 km/h are normal",
        "started_at": NOW,
        "fired_at": NOW,
        "resolved_at": NOW + timedelta(minutes=30) if state == "resolved" else None,
        "labels": {"area": "Manhattan", "sensor": ["nyc-dot:1", "nyc-dot:2"]},
        "value": 12.0,
    }
    return Told(**{**given, **fields})


def message(notice: str = "n1", *alerts: Told, **fields: Any) -> Message:
    given = alerts or (told(),)
    status = "firing" if any(alert.state == "firing" for alert in given) else "resolved"
    made: dict[str, Any] = {
        "id": notice,
        "kind": "alert",
        "status": status,
        "priority": max((alert.priority for alert in given), key=lambda priority: priority.rank),
        "route": "all",
        "group": {"area": "Manhattan"},
        "alerts": list(given),
        "made_at": NOW,
    }
    return Message(**{**made, **fields})


def webhook(url: str, **fields: Any) -> Channel:
    return Channel(kind="webhook", to=url, **fields)


def settings(**fields: Any) -> Settings:
    return Settings.model_validate({"alert_private_networks": LOOPBACK, **fields})


def write(
    database_url: str,
    said: Message,
    channels: Sequence[Channel],
    *,
    prefix: str | None = None,
    age: timedelta = timedelta(0),
    wait: timedelta = timedelta(0),
) -> list[str]:
    """A notice and a notification for each of `channels`; returns their keys."""
    ids = [f"{prefix or said.id}-{number}" for number in range(len(channels))]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO alert_notices (id, route, step, group_key, group_labels, alert_ids, document, due_at,"
            " done_at, outcome) VALUES (%s, %s, 0, 'g', '{}', %s, %s, now(), now(), 'told') ON CONFLICT DO NOTHING",
            [said.id, said.route, [alert.id for alert in said.alerts], Jsonb(msgspec.to_builtins(said))],
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO notifications (id, notice_id, contact, channel, kind, destination, priority, next_at,"
                " created_at) VALUES (%s, %s, 'ops', %s, %s, %s, %s, now() + %s, now() - %s)",
                [
                    [
                        id_,
                        said.id,
                        Jsonb(channel.document()),
                        channel.kind,
                        channel.destination,
                        said.priority,
                        wait,
                        age,
                    ]
                    for id_, channel in zip(ids, channels, strict=True)
                ],
            )
    return ids


def make_due(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE notifications SET next_at = now() WHERE state = 'waiting'")


def alert_row(database_url: str, alert: str, state: str) -> None:
    """An alert that is `state` now."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO alerts (id, rule, rule_version, subject, name, state, reason, priority, labels, summary,"
            " started_at, fired_at, resolved_at, observed_at) VALUES (%s, 'congestion', 1, %s, 'Broadway', %s,"
            " 'value', 'high', '{}', 'slow', now(), now(), CASE WHEN %s = 'resolved' THEN now() END, now())",
            [alert, alert, state, state],
        )


def lead(database_url: str, epoch: int) -> None:
    """The leader with `epoch` leads."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO alert_leader (epoch, instance, since, renewed_at) VALUES (%s, 'test', now(), now())"
            " ON CONFLICT (single) DO UPDATE SET epoch = excluded.epoch",
            [epoch],
        )


def found(database_url: str) -> dict[str, dict[str, Any]]:
    """All notifications, by key."""
    return {row["id"]: row for row in rows(database_url, "SELECT * FROM notifications ORDER BY id")}


def log_of(database_url: str) -> list[dict[str, Any]]:
    return rows(database_url, "SELECT * FROM notification_log ORDER BY time, id")


def rows(database_url: str, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()
