"""Firings held against what is known to have happened: how many were about an incident, and how many incidents were
found, how long before they were reported.

A firing is about an incident if it began between `tolerance` before the incident began and `tolerance` after it was
over, at a sensor that the incident affects, or, of an incident without sensors, on its road or in its area. Those of
the city are about any incident. Only incidents at places that the rule watches count.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from alerting.backtest.happened import Past
from alerting.backtest.replay import Firing
from alerting.backtest.tracks import Track
from alerting.conditions.incident import labels_of
from alerting.conditions.places import Places
from alerting.conditions.subjects import CITY
from schema.alerting.words import Labels

LONGEST_UNCLEARED = timedelta(hours=2)
"""An incident that was never said to be over counts as so long."""


@dataclass(frozen=True)
class Judgement:
    """`precision` is the share of firings that were about an incident, `recall` that of incidents that were found;
    None without any. `lead_minutes` is the median from the first firing to the report: negative, it came after."""

    incidents: int
    found: int
    precision: float | None
    recall: float | None
    lead_minutes: float | None

    @property
    def f1(self) -> float:
        """Both in one, from 0 to 1."""
        both = (self.precision or 0) + (self.recall or 0)
        return 2 * (self.precision or 0) * (self.recall or 0) / both if both else 0.0


@dataclass(frozen=True)
class Labelled:
    """An incident, and the subjects that it is about."""

    past: Past
    subjects: frozenset[str]


def labelled(incidents: Iterable[Past], tracks: Sequence[Track], known: Places) -> list[Labelled]:
    """Those at places that are watched."""
    by_label: dict[tuple[str, str], set[str]] = defaultdict(set)
    everywhere: set[str] = set()
    for track in tracks:
        subject = track.subject
        if subject.key == CITY:
            everywhere.add(subject.key)
        for label in ("sensor", "corridor", "road", "area", "cluster"):
            for value in _several(subject.labels, label):
                by_label[label, value].add(subject.key)
    found = []
    for past in incidents:
        about = everywhere | _subjects(past, by_label, known)
        if about:
            found.append(Labelled(past, frozenset(about)))
    return found


def _subjects(past: Past, by_label: dict[tuple[str, str], set[str]], known: Places) -> set[str]:
    """The narrowest that there are: by its sensors, else by what these are part of, its road or its area."""
    labels = labels_of(past.incident, known)
    for label in ("sensor", "corridor", "road", "area"):
        keys = {key for value in _several(labels, label) for key in by_label.get((label, value), ())}
        if keys:
            return keys
    return set()


def _several(labels: Labels, label: str) -> Sequence[str]:
    value = labels.get(label, [])
    return [value] if isinstance(value, str) else value


def judged(firings: Sequence[Firing], incidents: Sequence[Labelled], tolerance: timedelta) -> Judgement:
    """How firings and incidents fit each other."""
    began: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for number, firing in enumerate(firings):
        began[firing.subject].append((firing.fired_at, number))
    about: set[int] = set()
    leads = []
    for one in incidents:
        start = one.past.started_at - tolerance
        end = (one.past.cleared_at or one.past.started_at + LONGEST_UNCLEARED) + tolerance
        fitting = [
            each
            for subject in one.subjects
            for each in began.get(subject, ())[
                bisect_left(began[subject], (start, -1)) : bisect_right(began[subject], (end, len(firings)))
            ]
        ]
        about |= {number for _, number in fitting}
        if fitting:
            leads.append((one.past.reported_at - min(fitting)[0]) / timedelta(minutes=1))
    return Judgement(
        len(incidents),
        len(leads),
        len(about) / len(firings) if firings and incidents else None,
        len(leads) / len(incidents) if incidents else None,
        median(leads) if leads else None,
    )
