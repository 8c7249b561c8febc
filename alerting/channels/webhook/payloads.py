"""What a webhook is given: our own JSON, or what Prometheus's Alertmanager gives webhooks (version 4)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from alerting.channels.contract import Outgoing
from alerting.message import Told

NEVER: Final = "0001-01-01T00:00:00Z"
"""How Alertmanager says that something has not ended."""


def payload(outgoing: Outgoing, public_url: str | None) -> bytes:
    """The body, as the contact's channel wants it; the same at each try."""
    build = _alertmanager if outgoing.channel.payload == "alertmanager" else _own
    return json.dumps(build(outgoing, public_url), ensure_ascii=False, separators=(",", ":")).encode()


def _own(outgoing: Outgoing, public_url: str | None) -> dict[str, Any]:
    message = outgoing.message
    whole = {"version": 1, "key": outgoing.key, "contact": outgoing.contact, "url": public_url}
    kept: dict[str, Any] = msgspec.to_builtins(message)
    defaults = {"step": 0}
    return whole | defaults | kept | {"alerts": [_complete(alert) for alert in kept["alerts"]]}


def _complete(alert: Mapping[str, Any]) -> dict[str, Any]:
    """With what is at its default too, so that a receiver finds each field."""
    absent = ("value", "fired_at", "resolved_at", "acknowledged_by", "runbook", "sensor")
    return {"description": "", "reason": "value", "labels": {}, **dict.fromkeys(absent), **alert}


def _alertmanager(outgoing: Outgoing, public_url: str | None) -> dict[str, Any]:
    message = outgoing.message
    alerts = [_alert(told, public_url) for told in message.alerts]
    return {
        "version": "4",
        "groupKey": f"{message.route}:{json.dumps(message.group, sort_keys=True)}",
        "truncatedAlerts": 0,
        "status": message.status,
        "receiver": outgoing.contact,
        "groupLabels": _texts(message.group),
        "commonLabels": _common(alert["labels"] for alert in alerts),
        "commonAnnotations": _common(alert["annotations"] for alert in alerts),
        "externalURL": public_url or "",
        "alerts": alerts,
    }


def _alert(told: Told, public_url: str | None) -> dict[str, Any]:
    about = {"alertname": told.rule, "subject": told.subject, "severity": str(told.priority)}
    labels = {name: value for name, value in told.labels.items() if name != "description"}
    notes = {"summary": told.summary, "description": told.description, "runbook_url": told.runbook}
    return {
        "status": told.state,
        "labels": _texts(labels) | about,
        "annotations": {name: text for name, text in notes.items() if text},
        "startsAt": (told.fired_at or told.started_at).isoformat(),
        "endsAt": _ended(told.resolved_at),
        "generatorURL": public_url or "",
        "fingerprint": hashlib.sha256(f"{told.rule}\0{told.subject}".encode()).hexdigest()[:16],
    }


def _ended(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else NEVER


def _texts(labels: Mapping[str, str | list[str]]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in labels.items()}


def _common(all_of: Iterable[Mapping[str, str]]) -> dict[str, str]:
    shared = [set(one.items()) for one in all_of]
    return dict(sorted(set.intersection(*shared))) if shared else {}
