"""What alerting may be asked to work out, and how an answer is told."""

from typing import Final

from pydantic import Field, JsonValue, create_model

from api.http.shapes import Shape, shape, told
from schema.alerting.rules import Rule
from schema.alerting.words import Definition
from schema.tables import alert_requests

EXAMPLE: Final = {
    "rule": {
        "name": "congestion",
        "title": "{{ name }}: {{ value }} km/h",
        "when": {"kind": "threshold", "measure": "speed_kmh", "below": 20},
        "for": "5m",
    }
}


class DryRun(Definition):
    """A rule that is to be tried on what is known now; nobody is told."""

    rule: Rule


class Backtest(Definition):
    """A rule that is to be tried on what was stored, as if it had been there; nobody is told."""

    rule: Rule
    from_: str = Field("-24h", alias="from", max_length=64, description="RFC 3339 with an offset, or as `-7d`")
    to: str = Field("now", max_length=64, description="not included")


REQUEST: Final[Shape] = shape(
    "AlertRequest",
    "A question to alerting, how far it has come, and its answer",
    [
        told(alert_requests.c.id, example="5f0c1d2e"),
        told(alert_requests.c.kind, example="backtest"),
        told(alert_requests.c.state, example="done"),
        told(alert_requests.c.progress, example=1.0),
        told(alert_requests.c.result, example={"alerts": []}),
        told(alert_requests.c.error),
        told(alert_requests.c.requested_at, example="2026-03-02T12:00:00Z"),
        told(alert_requests.c.requested_by, example="traffic centre"),
        told(alert_requests.c.finished_at, example="2026-03-02T12:00:03Z"),
    ],
)
#: For OpenAPI: a result may be any JSON.
ANSWER: Final = create_model("AlertAnswer", __base__=REQUEST.model, result=(JsonValue, None))
