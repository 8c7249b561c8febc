"""Notifications as they are told: without the channel, which may name secrets."""

from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Select, Text, cast

from api.http.shapes import Shape, shape, told
from schema.tables import alert_notices, notifications

NOTIFICATION: Final[Shape] = shape(
    "Notification",
    "A message to one destination, and whether it arrived",
    [
        told(notifications.c.id, example="slow-3f2c:on-call:0"),
        told(alert_notices.c.alert_ids, "alerts", "ids of what is told", ["01jz5k3v8m"]),
        told(notifications.c.contact, example="on-call"),
        told(notifications.c.kind, "channel", "email, slack, webhook, sms or push", "email"),
        told(notifications.c.destination, example="on-call@traffic.example"),
        told(notifications.c.priority, example="high"),
        told(notifications.c.state, example="delivered"),
        told(notifications.c.attempts, example=1),
        told(notifications.c.next_at, example="2026-03-02T12:05:00Z"),
        told(notifications.c.created_at, example="2026-03-02T12:05:00Z"),
        told(notifications.c.finished_at, example="2026-03-02T12:05:01Z"),
        told(notifications.c.error),
        told(alert_notices.c.route, example="everybody"),
        told(alert_notices.c.step, example=0),
    ],
)


def notifications_told() -> Select[Any]:
    """All of them."""
    both = notifications.join(alert_notices, alert_notices.c.id == notifications.c.notice_id)
    return NOTIFICATION.select().select_from(both)


def about(alert: str) -> ColumnElement[bool]:
    """Whether a notification is about the alert."""
    return alert_notices.c.alert_ids.bool_op("@>")(cast([alert], ARRAY(Text)))
