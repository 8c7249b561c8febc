"""What templates see of a message: plain words, times on the city's clock, and no more alerts than anybody reads."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerting.message import Message, Told

MOST_ALERTS: Final = 20
MOST_LABELS: Final = 20
MOST_VALUES: Final = 5  # of a label
_LONGEST: Final = 1_000  # characters of a text
_SAID_ELSEWHERE: Final = {"description", "kind", "priority", "rule", "runbook", "subject"}
_NAMES_OF_SUBJECTS: Final = {"incident", "sensor"}
COLOURS: Final = {"low": "#3b6ea5", "medium": "#b7791f", "high": "#c2410c", "critical": "#b91c1c"}
RESOLVED_COLOUR: Final = "#2f7d4f"


def view(message: Message, time_zone: str, public_url: str | None) -> dict[str, Any]:
    """`message` as a dictionary that is JSON; docs/notifications.md has its words."""
    zone = ZoneInfo(time_zone)
    alerts = [_alert(told, zone, message.made_at) for told in message.alerts[:MOST_ALERTS]]
    resolved = message.status == "resolved"
    return {
        "headline": headline(message),
        "tag": tag(message),
        "status": message.status,
        "kind": message.kind,
        "priority": str(message.priority),
        "colour": RESOLVED_COLOUR if resolved else COLOURS[message.priority],
        "route": message.route,
        "step": message.step,
        "group": _labels(message.group),
        "alerts": alerts,
        "count": len(message.alerts),
        "firing": sum(told.state == "firing" for told in message.alerts),
        "more": max(0, len(message.alerts) - MOST_ALERTS),
        "made_at": _clock(message.made_at, zone),
        "url": public_url,
    }


def tag(message: Message) -> str:
    """The word in brackets before the headline."""
    if message.status == "resolved":
        return "RESOLVED"
    word = str(message.priority).upper()
    return {"repeat": f"{word}, STILL", "escalation": f"{word}, UNACKNOWLEDGED"}.get(message.kind, word)


def headline(message: Message) -> str:
    """What it is about, on one line; how many there are comes first, since phones cut the end."""
    if not message.alerts:
        return "Nothing to tell"
    first = line(message.alerts[0].summary)
    if len(message.alerts) == 1:
        return first
    rules = {told.rule for told in message.alerts}
    of_one_rule = f" of {line(rules.pop())}" if len(rules) == 1 else ""
    return f"{len(message.alerts)} alerts{of_one_rule}, first: {first}"


def line(text: str, longest: int = 200) -> str:
    """`text` without anything that could begin another line, and not longer."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _alert(told: Told, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    began = told.fired_at or told.started_at
    return {
        "id": told.id,
        "rule": told.rule,
        "subject": told.subject,
        "name": line(told.name),
        "state": told.state,
        "priority": str(told.priority),
        "colour": RESOLVED_COLOUR if told.state == "resolved" else COLOURS[told.priority],
        "summary": line(told.summary),
        "description": told.description[:_LONGEST],
        "no_data": told.reason == "no_data",
        "value": told.value,
        "labels": _labels(_of_their_own(told)),
        "started_at": _clock(told.started_at, zone),
        "fired_at": _clock(told.fired_at, zone),
        "resolved_at": _clock(told.resolved_at, zone),
        "lasted": _length((told.resolved_at or now) - began),
        "acknowledged_by": told.acknowledged_by,
        "runbook": _link(told.runbook),
        "sensor": told.sensor,
    }


def _of_their_own(told: Told) -> dict[str, str | list[str]]:
    """The labels that say what nothing else in the alert says, by name."""
    return {
        name: value
        for name, value in sorted(told.labels.items())
        if name not in _SAID_ELSEWHERE and not (name in _NAMES_OF_SUBJECTS and _joined(value) == told.subject)
    }


def _labels(labels: Mapping[str, str | list[str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": line(_joined(value))} for name, value in list(labels.items())[:MOST_LABELS]]


def _joined(value: str | list[str]) -> str:
    if isinstance(value, str):
        return value
    shown = ", ".join(value[:MOST_VALUES])
    return shown if len(value) <= MOST_VALUES else f"{shown} and {len(value) - MOST_VALUES} more"


def _link(runbook: str | None) -> str | None:
    """A runbook that is a web address; nothing else may become a link."""
    return runbook if runbook is not None and runbook.startswith(("https://", "http://")) else None


def _clock(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).strftime("%-d %b %Y, %H:%M %Z") if moment is not None else None


def _length(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
