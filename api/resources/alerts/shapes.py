"""Alerts as they are told, and where they are, which their labels say: one value or several of each."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Text, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONPATH

from api.http.shapes import Shape, shape, told
from schema.tables import alert_events, alerts


def values_of(label: str) -> ColumnElement[list[str]]:
    """All values of a label; none where it is not there."""
    value = _each(label)
    return func.array(select(value).correlate(alerts).scalar_subquery(), type_=ARRAY(Text))


def has_label(label: str, fits: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether a value of the label fits."""
    value = _each(label)
    return select(value).where(fits(value)).correlate(alerts).exists()


def is_about(sensor: str) -> ColumnElement[bool]:
    """Whether the sensor is the one, or one of those, that an alert is about."""
    labels = alerts.c.labels
    return or_(labels.contains({"sensor": sensor}), labels.contains({"sensor": [sensor]}))


def _each(label: str) -> ColumnElement[str]:
    found = func.jsonb_path_query_array(alerts.c.labels, literal_column(f"'$.{label}[*]'", JSONPATH))
    return func.jsonb_array_elements_text(found, type_=Text).column_valued(f"one_{label}")


ALERT: Final[Shape] = shape(
    "Alert",
    "What is wrong, or was: one time that a rule held of a subject",
    [
        told(alerts.c.id, example="01jz5k3v8m"),
        told(alerts.c.rule, example="congestion"),
        told(alerts.c.rule_version, example=3),
        told(alerts.c.subject, example="nyc-dot:4616337"),
        told(alerts.c.name, example="FDR Drive N"),
        told(alerts.c.state, example="firing"),
        told(alerts.c.reason, example="value"),
        told(alerts.c.priority, example="high"),
        told(alerts.c.summary, example="FDR Drive N: 18 km/h"),
        told(alerts.c.description),
        told(alerts.c.value, example=18.2),
        told(values_of("area"), "areas", "parts of the city that it is in", ["Manhattan"]),
        told(values_of("road"), "roads", "on which it is", ["FDR Drive"]),
        told(values_of("sensor"), "sensors", "external ids of those concerned", ["nyc-dot:4616337"]),
        told(alerts.c.labels, example={"area": "Manhattan", "priority": "high"}),
        *[told(alerts.c[name]) for name in ("started_at", "fired_at", "resolved_at", "clear_since", "observed_at")],
        *[told(alerts.c[name]) for name in ("acknowledged_at", "acknowledged_by", "assignee", "revision")],
    ],
)
#: What lists show: one that was over before it fired never was an alert to anybody.
LISTED: Final[ColumnElement[bool]] = or_(alerts.c.state != "resolved", alerts.c.fired_at.is_not(None))

HAPPENED: Final[Shape] = shape(
    "AlertEvent",
    "What happened to an alert",
    [
        told(alert_events.c.id, example=1204),
        told(alert_events.c.time, example="2026-03-02T12:10:00Z"),
        told(alert_events.c.kind, example="commented"),
        told(alert_events.c.actor, example="traffic centre"),
        told(alert_events.c.detail, example={"text": "Crew is on its way"}),
    ],
)


def events_of(alert: str) -> Any:
    """What happened to it, the oldest first."""
    return HAPPENED.select().where(alert_events.c.alert_id == alert).order_by(alert_events.c.id)
