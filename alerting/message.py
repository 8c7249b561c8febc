"""What people are told: a group of alerts as it was when it was due. It is kept with the notice, so that every try to
deliver it says the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from schema.alerting.words import Priority

Kind = Literal["alert", "repeat", "escalation", "direct"]


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert. `value` is in the unit of its rule's measure; `sensor` is whose chart shows it, where one does."""

    id: str
    rule: str
    subject: str
    name: str
    state: Literal["firing", "resolved"]
    priority: Priority
    summary: str
    started_at: datetime
    description: str = ""
    reason: Literal["value", "no_data"] = "value"
    labels: dict[str, str | list[str]] = {}
    value: float | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_by: str | None = None
    runbook: str | None = None
    sensor: str | None = None


def told_of(row: Mapping[str, Any], sensor: str | None) -> Told:
    """An alert by its row of `alerts`; `sensor` is whose chart shows it."""
    known = {name: value for name, value in row.items() if name in Told.__struct_fields__}
    return Told(
        **{**known, "priority": Priority(row["priority"])}, sensor=sensor, runbook=row["labels"].get("runbook")
    )


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one notice says. `alerts` are the most urgent first; `status` is `firing` while any of them does."""

    id: str
    kind: Kind
    status: Literal["firing", "resolved"]
    priority: Priority
    route: str
    group: dict[str, str | list[str]]
    alerts: list[Told]
    made_at: datetime
    step: int = 0
