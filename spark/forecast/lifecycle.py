"""Models of a city: trained on what it measured, scored on days they have not seen, put in place if better.

The newest days are held out. A model is made from those before; it and the one in place are scored on the same
held-out days and sensors.
"""

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from spark.forecast.evaluation import Unit, horizon_minutes, judge
from spark.forecast.frame import STEP_S, STEPS_A_DAY, Bools, Frame, clock_s
from spark.forecast.model import Model
from spark.forecast.registry import Entry, Evidence, Registry, held_out
from spark.forecast.training import LEAST_DAYS, Say, train
from spark.forecast.window import HORIZONS
from spark.spans import Span
from urbanclear.errors import ConfigurationError, ModelUnavailable, NotPromoted

PREFIX: Final = "network"
KMH: Final[Unit] = "km/h"


@dataclass(frozen=True)
class City:
    """Speeds of a span, whose newest days are held out; and which of its sensors are `near` one another on the roads,
    [sensors, sensors], where that is known."""

    frame: Frame
    span: Span
    held_out_days: int
    time_zone: str
    region: str
    near: Bools | None = None

    def __post_init__(self) -> None:
        if self.held_out_days * STEPS_A_DAY >= len(self.frame):
            days = len(self.frame) / STEPS_A_DAY
            raise ConfigurationError(
                f"There are {days:.1f} days, of which {self.held_out_days} are held out: give fewer "
                f"--held-out, or an earlier --from."
            )

    @property
    def week(self) -> Span:
        return Span(self.span.end - timedelta(days=self.held_out_days), self.span.end)

    @property
    def learned_from(self) -> Span:
        """From the first that was measured to where the held-out days begin."""
        first = self.frame.first.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)
        return Span(max(first, self.span.start), self.week.start)

    @property
    def before(self) -> Frame:
        return self.frame.cut(0, self._split)

    @property
    def held(self) -> Frame:
        return self.frame.cut(self._split, len(self.frame))

    def require_enough_to_learn_from(self) -> None:
        """Raises `ConfigurationError` where too few days are left beside those held out."""
        days, needed = len(self.frame) / STEPS_A_DAY, LEAST_DAYS + 1
        if days - self.held_out_days < needed:
            fewer = f", or give --held-out {int(days - needed)} at most" if days >= needed + 1 else ""
            raise ConfigurationError(
                f"There are readings of {days:.1f} days. With {self.held_out_days} held out, too few are left to "
                f"learn from: wait until there are {self.held_out_days + needed} days{fewer}."
            )

    @property
    def _split(self) -> int:
        return (clock_s(self.week.start, ZoneInfo(self.time_zone)) - self.frame.clock_s) // STEP_S


@dataclass(frozen=True)
class Outcome:
    """`against` is why a model was not put in place, where that was tried; `skill` is how good it was on the held-out
    days, km/h."""

    entry: Entry
    evidence: Evidence
    skill: dict[str, Any]
    against: str | None = None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        held = {"new_mae_kmh": self.evidence.new_mae, "in_place_mae_kmh": self.evidence.in_place_mae}
        return {"model": self.entry.record(), "against": self.against, "held_out": held, "skill": self.skill}


def train_and_promote(registry: Registry, city: City, seed: int, say: Say, *, promote: bool = True) -> Outcome:
    """Add a model to the registry, and put it in place if it is better there than the one in place."""
    city.require_enough_to_learn_from()
    model = train(city.before, None, PREFIX, seed, city.time_zone, city.region, say, near=city.near)
    skill = judge(model, city.held, KMH)
    metrics = {"horizons": by_horizon(skill), "held_out": [held_out(city.week, mean_mae(skill))]}
    entry = registry.add(lambda name: replace(model, name=name), PREFIX, city.learned_from, seed, metrics)
    evidence = compare(registry, city, model, entry, skill)
    if not promote:
        return Outcome(entry, evidence, skill)
    try:
        return Outcome(registry.promote(entry.name, evidence), evidence, skill)
    except NotPromoted as reason:
        return Outcome(entry, evidence, skill, str(reason))


def to_score(registry: Registry, name: str | None) -> Entry:
    """The model of that name, by default the one in place; raises `ConfigurationError` where there is none."""
    entry = registry.entry(name) if name else registry.in_place()
    if entry is None:
        raise ConfigurationError("No model is in place: train one with `urbanclear forecast train`.")
    return entry


def score(registry: Registry, city: City, entry: Entry) -> Outcome:
    """Score a model on the held-out days, and note it; raises `ConfigurationError` where it was made from some of
    those days."""
    if entry.data_to > city.week.start:
        raise ConfigurationError(
            f"{entry.name} was made from readings up to {entry.data_to:%Y-%m-%d %H:%M} UTC, which are among the days "
            f"held out: give fewer --held-out, or wait."
        )
    model = _loaded(registry, entry)
    skill = judge(model, city.held, KMH)
    registry.note_score(entry.name, city.week, mean_mae(skill))
    return Outcome(entry, compare(registry, city, model, entry, skill), skill)


def compare(registry: Registry, city: City, model: Model, entry: Entry, skill: dict[str, Any]) -> Evidence:
    """A model, whose errors on the held-out days are `skill`, beside the one in place, on the sensors that both know;
    noted in the registry.

    One in place whose file is gone or changed forecasts nothing, and is no reason against another.
    """
    alone, former = Evidence(city.week, mean_mae(skill), None), registry.in_place()
    if former is None or former.name == entry.name:
        return alone
    try:
        old = _loaded(registry, former)
    except ModelUnavailable:
        return alone
    both = city.held.of_sensors(sensor for sensor in model.sensors if sensor in set(old.sensors))
    if not both.sensors:
        raise ConfigurationError(f"{entry.name} and {former.name} know no sensor in common: promote it with --force.")
    new_mae, old_mae = (mean_mae(judge(one, both, KMH)) for one in (model, old))
    registry.note_score(entry.name, city.week, new_mae)
    registry.note_score(former.name, city.week, old_mae)
    return Evidence(city.week, new_mae, old_mae)


def by_horizon(skill: dict[str, Any]) -> dict[str, dict[str, float]]:
    """By minutes ahead, as the registry keeps them."""
    return {
        str(minutes): {"mae_kmh": skill[f"mae_{minutes}"], "coverage": skill[f"coverage_90_{minutes}"]}
        for minutes in map(horizon_minutes, range(HORIZONS))
    }


def mean_mae(skill: dict[str, Any]) -> float:
    """Over all horizons, km/h."""
    total: float = sum(skill[f"mae_{horizon_minutes(number)}"] for number in range(HORIZONS))
    return round(total / HORIZONS, 3)


def _loaded(registry: Registry, entry: Entry) -> Model:
    model = registry.load(entry)
    if not isinstance(model, Model):
        raise ConfigurationError(f"{entry.name} is a {type(model).__name__}, which cannot be scored here.")
    return model
