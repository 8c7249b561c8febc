"""Silences: as they are asked for, and as they are told."""

from datetime import datetime, timedelta
from typing import Final, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from sqlalchemy import ColumnElement, case, func

from api.http.shapes import Shape, shape, told
from schema.alerting.routing import Hours
from schema.alerting.words import Definition, Duration, MatcherText, Priority, Prose
from schema.tables import alert_silences

EXAMPLE: Final = {"matchers": ['area="Manhattan"', 'rule=~"congestion.*"'], "duration": "4h", "comment": "Marathon"}

_NOW: Final = func.now()
STATE: Final[ColumnElement[str]] = case(
    (alert_silences.c.ends_at <= _NOW, "over"), (alert_silences.c.starts_at > _NOW, "to_come"), else_="lasting"
)
SILENCE: Final[Shape] = shape(
    "Silence",
    "When nobody is told of which alerts",
    [
        told(alert_silences.c.id, example=7),
        told(STATE, "state", "to_come, lasting or over", "lasting"),
        told(alert_silences.c.definition, example={key: EXAMPLE[key] for key in ("matchers", "comment")}),
        told(alert_silences.c.starts_at, example="2026-03-02T12:00:00Z"),
        told(alert_silences.c.ends_at, example="2026-03-02T16:00:00Z"),
        told(alert_silences.c.created_at, example="2026-03-02T12:00:00Z"),
        told(alert_silences.c.created_by, example="traffic centre"),
        told(alert_silences.c.ended_by),
    ],
)


class Matchers(Definition):
    """What a silence would fit."""

    matchers: tuple[MatcherText, ...] = Field(min_length=1, max_length=20)


class NewSilence(Matchers):
    """Alerts that fit all matchers are not told from `starts_at`, now where not said, for `duration` or until
    `ends_at`; with `hours`, only in these: a maintenance window that comes back."""

    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    duration: Duration | None = Field(None, gt=timedelta(0))
    hours: Hours | None = None
    comment: Prose = ""

    @model_validator(mode="after")
    def _ends_once(self) -> Self:
        if (self.ends_at is None) == (self.duration is None):
            raise ValueError("say one of `ends_at` and `duration`")
        return self

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """From when until when; raises `OverflowError` where that is beyond the calendar."""
        begin = self.starts_at or now
        return begin, self.ends_at or begin + (self.duration or timedelta(0))


class Fitting(BaseModel):
    """An alert that a silence fits."""

    id: str = Field(examples=["01jz5k3v8m"])
    summary: str
    priority: Priority


class Preview(BaseModel):
    """What a silence fits of what fires now."""

    fitting: int = Field(description="how many alerts that fire now", examples=[3])
    alerts: list[Fitting] = Field(description="the first 100 of them, the most urgent first")
