"""Rules, contacts and the policy as they are told: what was written, which version it is, and who wrote it."""

from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Text, cast, func

from api.http.shapes import Shape, Told, shape, told
from schema.alerting.definitions import current
from schema.tables import alert_definitions

RULE_EXAMPLE: Final[dict[str, Any]] = {
    "name": "congestion",
    "title": "{{ name }}: {{ value }} km/h",
    "when": {"kind": "threshold", "measure": "speed_kmh", "below": 20, "clear_above": 30},
    "where": {"areas": ["Manhattan"]},
    "for": "5m",
    "priority": "high",
}
CONTACT_EXAMPLE: Final[dict[str, Any]] = {
    "name": "on-call",
    "channels": [{"kind": "email", "to": "on-call@traffic.example", "least": "high"}],
}
POLICY_EXAMPLE: Final[dict[str, Any]] = {
    "routes": [{"name": "everybody", "contacts": ["on-call"], "group_by": ["rule", "area"]}],
}

KINDS: Final = "of its condition: threshold, deviation, forecast, incident, anomaly, silence or sql"
RULES: Final = current("rule").subquery("rules")
CONTACTS: Final = current("contact").subquery("contacts")
POLICIES: Final = current("policy").subquery("policies")


def _common(rows: Any, example: dict[str, Any], name: str) -> list[Told]:
    told_of = alert_definitions.c
    return [
        told(rows.c.name, "name", "what it is called", name),
        told(rows.c.version, "version", "counts its changes, from 1; its `ETag`", 3),
        told(rows.c.definition, "definition", "as it was written, without what was left at its default", example),
        told(rows.c.origin, "origin", told_of.origin.comment or "", "api"),
        told(rows.c.changed_at, "changed_at", told_of.changed_at.comment or "", "2026-03-02T12:00:00Z"),
        told(rows.c.changed_by, "changed_by", told_of.changed_by.comment or "", "traffic centre"),
    ]


def _text(rows: Any, *path: str) -> ColumnElement[str]:
    return func.jsonb_extract_path_text(rows.c.definition, *path, type_=Text)


def _rule() -> list[Told]:
    priority = func.coalesce(_text(RULES, "priority"), "medium")
    enabled = func.coalesce(cast(_text(RULES, "enabled"), Boolean), True)
    return [
        *_common(RULES, RULE_EXAMPLE, "congestion"),
        told(enabled, "enabled", "whether it is evaluated", True),
        told(_text(RULES, "when", "kind"), "kind", KINDS, "threshold"),
        told(priority, "priority", "or by_severity: as the incident's severity is", "high"),
    ]


RULE: Final[Shape] = shape("AlertRule", "A rule as it is now: what is watched", _rule())
CONTACT: Final[Shape] = shape(
    "AlertContact", "Somebody who is told, and how", _common(CONTACTS, CONTACT_EXAMPLE, "on-call")
)
POLICY: Final[Shape] = shape("AlertPolicy", "Which alerts go to whom", _common(POLICIES, POLICY_EXAMPLE, "policy"))
VERSION: Final[Shape] = shape(
    "AlertRuleVersion",
    "A version of a rule; its definition is null where it was deleted then",
    [told(alert_definitions.c[name]) for name in ("version", "definition", "origin", "changed_at", "changed_by")],
)
