"""Rules: what is watched, when that is worth an alert, and how urgent it is.

A rule is watched by subject: each sensor, area, corridor (road and direction), cluster, the city as one, an incident,
an anomaly, or whatever an analyst's query calls one. Of each there is at most one alert at a time.
"""

from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schema.alerting.words import Definition, Duration, Label, LabelName, Line, Name, Priority, Prose
from schema.events import IncidentKind, Severity

By = Literal["sensor", "area", "corridor", "cluster", "city"]
Level = Literal["now", "5m", "1h", "1d"]
Measure = Literal["speed_kmh", "volume_vph", "occupancy", "travel_time_s", "speed_ratio", "travel_time_index"]

LEAST_EVERY: Final = timedelta(seconds=1)
LONGEST_QUERY: Final = 10_000  # characters


class Bounds(Definition):
    """When a value is worth an alert, and when it is well again: `below: 20` and `clear_above: 30`, or the reverse.

    Without a `clear_…` it is well as soon as it is not worth an alert any more.
    """

    below: float | None = None
    above: float | None = None
    clear_above: float | None = None
    clear_below: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise ValueError("say one of `below` and `above`")
        if self.below is not None and (
            self.clear_below is not None or (self.clear_above is not None and self.clear_above < self.below)
        ):
            raise ValueError("with `below` goes `clear_above`, which is not less")
        if self.above is not None and (
            self.clear_above is not None or (self.clear_below is not None and self.clear_below > self.above)
        ):
            raise ValueError("with `above` goes `clear_below`, which is not more")
        return self

    def fires(self, value: float) -> bool:
        """Whether `value` is worth an alert."""
        return value < self.below if self.below is not None else value > self.above  # type: ignore[operator]

    def clears(self, value: float) -> bool:
        """Whether an alert ends at `value`."""
        if self.below is not None:
            return value >= self.below if self.clear_above is None else value > self.clear_above
        return value <= self.above if self.clear_below is None else value < self.clear_below  # type: ignore[operator]


class Threshold(Bounds):
    """A measure of every subject: of its newest readings (`now`) or the mean of its last full bucket."""

    kind: Literal["threshold"]
    measure: Measure
    by: By = "sensor"
    level: Level = "now"


class Deviation(Bounds):
    """A measure over what is normal at this quarter of an hour of this kind of day (`urbanclear spark patterns`).

    1 is as normal, `below: 0.6` is 40 % less. Of several sensors: the sum of what is over that of what is normal.
    """

    kind: Literal["deviation"]
    measure: Literal["speed_kmh", "volume_vph"] = "speed_kmh"
    by: By = "sensor"
    level: Literal["now", "5m", "1h"] = "now"


class Foretold(Bounds):
    """What the newest forecast says of the speed `ahead` from now, in steps of 5 minutes up to an hour."""

    kind: Literal["forecast"]
    measure: Literal["speed_kmh", "speed_ratio"] = "speed_kmh"
    by: By = "sensor"
    ahead: Duration = Field(timedelta(minutes=30), ge=timedelta(minutes=5), le=timedelta(hours=1))


class Reported(Definition):
    """Each incident of these types that has not been cleared and is at least so severe; each is a subject."""

    kind: Literal["incident"]
    types: tuple[IncidentKind, ...] = ()
    severity: Severity = "low"


class Unusual(Definition):
    """Each sensor with an anomaly of these kinds that lasts and has at least this score, by kind."""

    kind: Literal["anomaly"]
    kinds: tuple[Line, ...] = ()
    score: float = Field(0, ge=0)


class Silent(Definition):
    """No reading for so long: of a sensor, of all sensors of an area or corridor, or of a whole source."""

    kind: Literal["silence"]
    by: Literal["sensor", "area", "corridor", "source"] = "sensor"
    longer_than: Duration = Field(timedelta(minutes=15), ge=timedelta(seconds=10))


class Query(Definition):
    """An analyst's own: one SELECT with the columns `subject`, `value`, and if wanted `name`.

    It runs as `urbanclear_analyst`, who can only read, and is ended after `timeout`. With bounds, every subject's
    value is held against them; without, each subject that is returned is worth an alert.
    """

    kind: Literal["sql"]
    query: str = Field(min_length=1, max_length=LONGEST_QUERY)
    bounds: Bounds | None = None
    timeout: Duration = Field(timedelta(seconds=5), ge=timedelta(milliseconds=100), le=timedelta(minutes=1))


Condition = Annotated[
    Threshold | Deviation | Foretold | Reported | Unusual | Silent | Query, Field(discriminator="kind")
]


class Where(Definition):
    """Which subjects a rule watches: those that fit each line that is there."""

    areas: tuple[Line, ...] = ()
    roads: tuple[Line, ...] = ()
    corridors: tuple[Line, ...] = ()
    clusters: tuple[Line, ...] = ()
    sensors: tuple[Line, ...] = ()


class NoData(Definition):
    """What is done while a subject has no data.

    `hold`: nothing, an alert stays as it is; `alert`: one of its own once that has lasted for `after`; `ok`: as if
    all were well.
    """

    then: Literal["hold", "alert", "ok"] = "hold"
    after: Duration = timedelta(minutes=15)


class Rule(Definition):
    """A rule. `title` and `description` are Jinja templates over the alert: `{{ name }}`, `{{ value }}`,
    `{{ labels.area }}`."""

    name: Name
    title: Line
    description: Prose = ""
    when: Condition
    where: Where = Where()
    for_: Duration = Field(timedelta(0), alias="for", ge=timedelta(0))
    keep_firing_for: Duration = Field(timedelta(0), ge=timedelta(0))
    every: Duration = Field(timedelta(seconds=15), ge=LEAST_EVERY, le=timedelta(days=1))
    no_data: NoData = NoData()
    priority: Priority | Literal["by_severity"] = Priority.MEDIUM
    labels: dict[LabelName, Label] = Field(default_factory=dict, max_length=20)
    runbook: Line | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _priority_is_known(self) -> Self:
        if self.priority == "by_severity" and self.when.kind != "incident":
            raise ValueError("`priority: by_severity` is for rules of incidents")
        return self

    @property
    def bounds(self) -> Bounds | None:
        """What values are held against; None where being there is what counts."""
        if isinstance(self.when, Bounds):
            return self.when
        if isinstance(self.when, Silent):
            return Bounds(above=self.when.longer_than.total_seconds())
        return self.when.bounds if isinstance(self.when, Query) else None
