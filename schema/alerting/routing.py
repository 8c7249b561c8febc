"""Who is told of which alert, how, and when not: contacts, routes, inhibitions and silences."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, ValidationInfo, field_validator, model_validator

from schema.alerting.addresses import ChannelKind, check_address
from schema.alerting.words import KEPT, Definition, Duration, LabelName, Line, MatcherText, Name, Priority, Prose
from urbanclear.errors import Refused
from urbanclear.settings import known_zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SECRET_PREFIX: Final = "URBANCLEAR_SECRET_"  # noqa: S105 (a name, not a secret)
"""Only such environment variables may be named by contacts: nobody who may write one gets at others."""


def _is_secret(name: str) -> str:
    if not re.fullmatch(rf"{SECRET_PREFIX}[A-Z0-9_]{{1,80}}", name):
        raise ValueError(f"{name!r} is no secret: name an environment variable that begins with {SECRET_PREFIX}")
    return name


TimeZone = Annotated[str, AfterValidator(known_zone)]
SecretName = Annotated[str, AfterValidator(_is_secret)]


class Channel(Definition):
    """One way to reach a contact. `to` is an address (e-mail), a URL (webhook, Slack) or an Apprise URL (SMS, push);
    where that is itself a secret, `to_secret` names the environment variable that holds it.

    A webhook is signed with the secret that `signed_with` names. Slack's `token_secret` and `slack_channel`, where
    they are given, take the place of an incoming webhook, and let a message be updated once its alert is over.
    """

    kind: ChannelKind
    to: Line | None = None
    to_secret: SecretName | None = None
    least: Priority = Priority.LOW
    send_resolved: bool = True
    payload: Literal["urbanclear", "alertmanager"] = "urbanclear"
    signed_with: SecretName | None = None
    token_secret: SecretName | None = None
    slack_channel: Line | None = None

    @field_validator("to")
    @classmethod
    def _is_an_address(cls, to: str | None, info: ValidationInfo) -> str | None:
        if to is not None and "kind" in info.data and info.context != KEPT:
            try:
                check_address(info.data["kind"], to)
            except Refused as refused:
                raise ValueError(str(refused)) from None
        return to

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Self:
        if self.kind == "slack" and self.token_secret is not None:
            if self.slack_channel is None:
                raise ValueError("with `token_secret` goes `slack_channel`")
        elif (self.to is None) == (self.to_secret is None):
            raise ValueError("say one of `to` and `to_secret`")
        return self

    @property
    def destination(self) -> str:
        """What is logged and counted of where it goes: never a secret."""
        return self.to or self.slack_channel or self.to_secret or ""


class Hours(Definition):
    """Hours of days of the week on somebody's clock; `until` before `from` is on the next day."""

    from_: time = Field(alias="from")
    until: time
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    time_zone: TimeZone

    def holds_at(self, moment: datetime) -> bool:
        """Whether `moment` lies in one of them."""
        return self.end_after(moment) is not None

    def end_after(self, moment: datetime) -> datetime | None:
        """When the stretch ends in which `moment` lies; None where it lies in none."""
        zone = ZoneInfo(self.time_zone)
        today = moment.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            if WEEKDAYS[day.weekday()] not in self.weekdays:
                continue
            last = day + timedelta(days=self.until <= self.from_)
            start, end = (
                datetime.combine(date, clock, zone).astimezone(UTC)
                for date, clock in ((day, self.from_), (last, self.until))
            )
            if start <= moment < end:
                return end
        return None


class Quiet(Hours):
    """Hours in which a contact is told at once only of what is at least so urgent, and of the rest at their end."""

    unless: Priority = Priority.CRITICAL


class Contact(Definition):
    """A person, a team or a machine, and how each wants to be told."""

    name: Name
    title: Line | None = None
    channels: tuple[Channel, ...] = Field(min_length=1, max_length=20)
    quiet: tuple[Quiet, ...] = Field((), max_length=20)


class Step(Definition):
    """Whom to tell once an alert has fired for so long since it was first told, and nobody has acknowledged it."""

    after: Duration = Field(gt=timedelta(0))
    contacts: tuple[Name, ...] = Field(min_length=1)


class Route(Definition):
    """Which alerts go to whom. An alert takes the first route that fits, and those after it while `continue` is set.

    Alerts that have the same values of `group_by` go in one message, which waits `group_wait` for the others of a
    burst; changes after it are told `group_interval` apart, and what still fires is told again each
    `repeat_interval`. `group_by: []` is one group.
    """

    name: Name
    match: tuple[MatcherText, ...] = ()
    contacts: tuple[Name, ...] = Field((), max_length=20_000)
    group_by: tuple[LabelName, ...] = ("rule", "area")
    group_wait: Duration = timedelta(seconds=10)
    group_interval: Duration = timedelta(minutes=5)
    repeat_interval: Duration = timedelta(hours=4)
    escalate: tuple[Step, ...] = Field((), max_length=10)
    continue_: bool = Field(False, alias="continue")

    @property
    def named(self) -> tuple[str, ...]:
        """Everybody whom it tells, at any step."""
        return (*self.contacts, *(name for step in self.escalate for name in step.contacts))


class Inhibition(Definition):
    """While an alert that fits `source` fires, those that fit `target` are not told, if each label of `equal` has a
    value in common: `equal: [sensor]` with an incident's sensors mutes their links' congestion."""

    source: tuple[MatcherText, ...] = Field(min_length=1)
    target: tuple[MatcherText, ...] = Field(min_length=1)
    equal: tuple[LabelName, ...] = ()


class Policy(Definition):
    """All routes, in their order, and inhibitions. There is one policy."""

    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()

    @model_validator(mode="after")
    def _routes_are_told_apart(self) -> Self:
        names = [route.name for route in self.routes]
        if len(names) != len(set(names)):
            raise ValueError("two routes have the same name")
        return self

    @property
    def contacts(self) -> frozenset[str]:
        """Everybody whom any route tells."""
        return frozenset(name for route in self.routes for name in route.named)


class SilenceRequest(Definition):
    """Alerts that fit all matchers are not told from `starts_at` until `ends_at`; with `hours`, only in these: a
    maintenance window that comes back."""

    matchers: tuple[MatcherText, ...] = Field(min_length=1, max_length=20)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    hours: Hours | None = None
    comment: Prose = ""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("`ends_at` has to be after `starts_at`")
        return self

    def holds_at(self, moment: datetime) -> bool:
        """Whether alerts are silenced at `moment`."""
        inside = self.starts_at <= moment < self.ends_at
        return inside and (self.hours is None or self.hours.holds_at(moment))
