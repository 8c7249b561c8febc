"""Incidents that arrive where and when there is traffic, block lanes and clear, drawn day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from ingest.sources.simulator.demand import Demand
from ingest.sources.simulator.influence import Influence
from ingest.sources.simulator.network import Link
from ingest.sources.simulator.randomness import Purpose, day_number, day_start, generator, within_day
from ingest.sources.simulator.vectors import Vector
from schema.events import Incident, IncidentKind, IncidentStatus, Severity

INCIDENT_PREFIX: Final = "nyc-sim-"
HOUR_S: Final = 3_600
SECOND: Final = timedelta(seconds=1)
PER_DAY: Final = 40.0
MEDIAN_MINUTES: Final = 35.0
LONGEST: Final = timedelta(hours=6)
KINDS: Final[tuple[tuple[IncidentKind, float], ...]] = (
    ("collision", 0.40),
    ("breakdown", 0.38),
    ("hazard", 0.12),
    ("road_works", 0.10),
)
WORDS: Final[dict[IncidentKind, str]] = {
    "collision": "Collision",
    "breakdown": "Disabled vehicle",
    "hazard": "Debris on the road",
    "road_works": "Emergency road works",
}

# Share of capacity left by lanes blocked (0: the shoulder) and lanes of the direction:
# Highway Capacity Manual 2000, exhibit 22-6.
REMAINING: Final = {
    0: {1: 0.45, 2: 0.81, 3: 0.83, 4: 0.85},
    1: {1: 0.0, 2: 0.35, 3: 0.49, 4: 0.58},
    2: {2: 0.0, 3: 0.17, 4: 0.25},
    3: {3: 0.0, 4: 0.13},
}
CLOSED_SHARE: Final = 0.08  # even past a closure, some get through


@dataclass(frozen=True)
class Happening:
    """One incident from its start to its end."""

    id: str
    link: int
    kind: IncidentKind
    start: datetime
    end: datetime
    lanes_blocked: int


def states(start: datetime, end: datetime) -> tuple[tuple[datetime, IncidentStatus], ...]:
    """What is told of an incident, and when: once more when half of it is over."""
    half = (start + (end - start) / 2).replace(microsecond=0)
    return (start, "reported"), (half, "updated"), (end, "cleared")


class Incidents:
    """All that happens on `links`, in proportion to the traffic that `demand` says."""

    def __init__(self, seed: int, links: Sequence[Link], demand: Demand) -> None:
        self._seed = seed
        self._links = links
        self._demand = demand
        exposure = [link.length_m * link.lanes * (1.5 if link.kind == "expressway" else 1.0) for link in links]
        self._exposure = np.array(exposure)
        self._of_day = lru_cache(maxsize=64)(self._draw_day)

    def during(self, start: datetime, end: datetime) -> list[Happening]:
        """What is going on at any time after `start` and before `end`."""
        days = range(day_number(start - LONGEST), day_number(end) + 1)
        near = [happening for day in days for happening in self._of_day(day)]
        return [happening for happening in near if happening.start < end and start < happening.end]

    def influences(self, start: datetime, end: datetime) -> list[Influence]:
        """What they do to traffic between `start` and `end`."""
        return [self._influence(happening) for happening in self.during(start, end)]

    def events(self, start: datetime, end: datetime) -> list[Incident]:
        """The changes of state after `start` and up to `end`, in order of time."""
        near = self.during(start - SECOND, end + SECOND)
        changes = [(time, it, status) for it in near for time, status in states(it.start, it.end)]
        told = sorted((change for change in changes if start < change[0] <= end), key=lambda it: (it[0], it[1].id))
        return [self._event(happening, time, status) for time, happening, status in told]

    def _influence(self, happening: Happening) -> Influence:
        left = remaining_capacity(happening.lanes_blocked, self._links[happening.link].lanes)
        return Influence(
            cause=happening.id,
            links=np.array([happening.link]),
            start=np.array([happening.start.timestamp()]),
            end=np.array([happening.end.timestamp()]),
            capacity=np.array([left]),
            demand=np.ones(1),
        )

    def _draw_day(self, day: int) -> list[Happening]:
        draws = generator(self._seed, Purpose.INCIDENTS, day)
        middles = day_start(day).timestamp() + HOUR_S * np.arange(0.5, 24.0)
        traffic = self._demand.at(middles) * self._exposure
        chances = (traffic / traffic.sum()).cumsum()
        return [self._draw(draws, day, number, chances) for number in range(draws.poisson(PER_DAY))]

    def _draw(self, draws: np.random.Generator, day: int, number: int, chances: Vector) -> Happening:
        cell = min(int(np.searchsorted(chances, draws.random())), len(chances) - 1)
        hour, link = divmod(cell, len(self._links))
        kind = KINDS[int(draws.choice(len(KINDS), p=[share for _, share in KINDS]))][0]
        start = within_day(day, (hour + draws.random()) * HOUR_S)
        minutes = float(np.clip(draws.lognormal(np.log(MEDIAN_MINUTES), 0.6), 8, LONGEST.total_seconds() / 60))
        blocked = int(min(draws.choice([0, 1, 2, 3], p=[0.35, 0.42, 0.17, 0.06]), self._links[link].lanes))
        end = (start + timedelta(minutes=minutes)).replace(microsecond=0)
        return Happening(f"{INCIDENT_PREFIX}{self._seed}-{day}-{number}", link, kind, start, end, blocked)

    def _event(self, happening: Happening, time: datetime, status: IncidentStatus) -> Incident:
        link = self._links[happening.link]
        middle = link.middle
        lanes = (
            f", {happening.lanes_blocked} of {link.lanes} lanes blocked" if happening.lanes_blocked else ", shoulder"
        )
        return Incident(
            id=happening.id,
            time=time,
            status=status,
            kind=happening.kind,
            severity=_severity(happening.lanes_blocked, link.lanes),
            started_at=happening.start,
            description=f"{WORDS[happening.kind]} on {link.name}{lanes}",
            sensors=[link.external_id],
            area=link.area,
            road=link.road,
            lat=middle[0],
            lon=middle[1],
            lanes_blocked=happening.lanes_blocked,
        )


def remaining_capacity(blocked: int, lanes: int) -> float:
    """Share of a direction's capacity that is left with `blocked` of its `lanes` blocked."""
    row = REMAINING[min(blocked, 3)]
    return max(CLOSED_SHARE, row.get(lanes, row[max(row)]))


def _severity(blocked: int, lanes: int) -> Severity:
    if blocked == 0:
        return "low"
    if blocked >= lanes:
        return "critical"
    return "high" if blocked >= 2 else "medium"
