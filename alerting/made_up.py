"""What a rule might see: a subject that it watches, with a value just past its own bound."""

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions import Context, anomaly, incident
from alerting.conditions.places import Places, Sensor, places
from alerting.conditions.query import check
from alerting.conditions.subjects import Gathered, subjects
from alerting.observation import Observation
from schema.alerting.rules import Bounds, Query, Reported, Rule, Unusual, Where
from schema.alerting.words import Priority
from urbanclear.errors import ConfigurationError


async def made_up(connection: AsyncConnection, rule: Rule, context: Context) -> Observation:
    """Of the first subject that there is, or of one in a city that is made up as well."""
    known, when = await places(connection, context), rule.when
    if isinstance(when, Query):
        return await _of_query(connection, when)
    if isinstance(when, Reported):
        return _of_incident(when, *_watched(known, rule.where, "sensor"))
    if isinstance(when, Unusual):
        where, sensor = _watched(known, rule.where, "sensor")
        kind = when.kinds[0] if when.kinds else "speed_drop"
        return anomaly.observed(where, where.columns[sensor.subject], kind, _past(Bounds(above=when.score or 1)))
    _, subject = _watched(known, rule.where, when.by)
    return Observation(subject.subject, subject.name, _past(rule.bounds) if rule.bounds else None, subject.labels)


def _watched(known: Places, where: Where, by: Gathered) -> tuple[Places, Observation]:
    """The first subject, without a value, and the city that it is in."""
    for city, fitting in ((known, where), (_example_city(), Where())):
        each = subjects(city, by, fitting)
        if each.each:
            return city, each.observed(np.full(len(each.each), np.nan))[0]
    raise AssertionError("the city that is made up has each kind of subject")


def _example_city() -> Places:
    road = {"area": "Centre", "road": "Main Street", "direction": "north", "corridor": "Main Street north"}
    sensor = Sensor(0, "city:1", "Main Street", {"sensor": "city:1", **road, "cluster": "1", "source": "city"})
    unknown = np.array([np.nan])
    return Places((sensor,), unknown, unknown, unknown)


def _of_incident(when: Reported, city: Places, sensor: Observation) -> Observation:
    severity = max(Priority(when.severity), Priority.HIGH, key=lambda priority: priority.rank)
    one = incident.Incident(
        id=f"{sensor.labels['source']}:example",
        kind=when.types[0] if when.types else "collision",
        severity=str(severity),
        sensors=[sensor.subject],
        area=_word(sensor, "area"),
        road=_word(sensor, "road"),
    )
    [seen] = incident.observed([one], Where(), city)
    return seen


def _word(seen: Observation, label: str) -> str | None:
    value = seen.labels.get(label)
    return value if isinstance(value, str) else None


async def _of_query(connection: AsyncConnection, when: Query) -> Observation:
    """A row whose texts are the names of its columns."""
    try:
        columns = await check(connection, when)
    except ConfigurationError:
        columns = ()
    labels: dict[str, str | list[str]] = {name: name for name in columns if name not in ("subject", "value", "name")}
    value = _past(when.bounds) if when.bounds else (1.0 if "value" in columns else None)
    return Observation("example", "example", value, labels)


def _past(bounds: Bounds) -> float:
    """A twentieth past what is worth an alert."""
    bound = bounds.above if bounds.below is None else bounds.below
    assert bound is not None  # noqa: S101 – one of the two is there
    step = abs(bound) / 20 or 0.01
    return float(f"{bound + step if bounds.below is None else bound - step:.6g}")
