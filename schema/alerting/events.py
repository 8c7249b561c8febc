"""What traffic.alerts and live clients are told of an alert, made of its row: in one place for all who tell it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from schema.alerting.words import Labels
from schema.events import Alert

MOST_CHARACTERS: Final = 1_000  # of a text of an event; a filled-in title may be longer
SAME: Final = (
    *("id", "rule", "subject", "state", "priority", "revision", "reason", "value"),
    *("started_at", "fired_at", "resolved_at", "acknowledged_at", "acknowledged_by", "assignee"),
)
"""Columns of `alerts` that are told as they are."""


def alert_event(row: Mapping[str, Any], time: datetime | None = None) -> Alert:
    """The event of a row of `alerts`, by its columns' names.

    `time` is when it changed; without it, when it is known to have last been changed: by an evaluation, or by whoever
    acknowledged it.
    """
    labels: Labels = row["labels"]
    return Alert(
        **{column: row[column] for column in SAME},
        time=time or max(row["observed_at"], row["acknowledged_at"] or row["observed_at"]),
        name=row["name"][:MOST_CHARACTERS],
        summary=row["summary"][:MOST_CHARACTERS],
        areas=values_of(labels, "area"),
        road=next(iter(values_of(labels, "road")), None),
        sensors=values_of(labels, "sensor"),
    )


def values_of(labels: Labels, label: str) -> list[str]:
    """What a label says, be it one value, several or none."""
    value = labels.get(label) or []
    return [value] if isinstance(value, str) else value
