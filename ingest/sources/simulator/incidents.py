"""Incidents that arrive, block lanes and clear, drawn day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from ingest.sources.simulator.network import Link
from ingest.sources.simulator.randomness import Purpose, day_number, generator, within_day
from schema.events import Incident, IncidentKind, IncidentStatus, Severity

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

    def states(self) -> tuple[tuple[datetime, IncidentStatus], ...]:
        """What is told, and when: once more when half of it is over."""
        half = (self.start + (self.end - self.start) / 2).replace(microsecond=0)
        return (self.start, "reported"), (half, "updated"), (self.end, "cleared")


class Incidents:
    """All that happens on `links`."""

    def __init__(self, seed: int, links: Sequence[Link]) -> None:
        self._seed = seed
        self._links = links
        weights = np.array([link.length_m * (1.5 if link.kind == "expressway" else 1.0) for link in links])
        self._weights = weights / weights.sum()
        self._of_day = lru_cache(maxsize=64)(self._draw_day)

    def active(self, time: datetime) -> list[Happening]:
        """What is going on at `time`."""
        return [happening for happening in self._near(time, time) if happening.start <= time < happening.end]

    def capacity_left(self, time: datetime) -> dict[int, float]:
        """Share of capacity left, by link, where something is going on."""
        left: dict[int, float] = {}
        for happening in self.active(time):
            share = remaining_capacity(happening.lanes_blocked, self._links[happening.link].lanes)
            left[happening.link] = min(share, left.get(happening.link, 1.0))
        return left

    def events(self, start: datetime, end: datetime) -> list[Incident]:
        """The changes of state after `start` and up to `end`, in order of time."""
        changes: list[tuple[datetime, Incident]] = []
        for happening in self._near(start, end):
            for time, status in happening.states():
                if start < time <= end:
                    changes.append((time, self._event(happening, time, status)))
        return [event for _, event in sorted(changes, key=lambda change: (change[0], change[1].id))]

    def _near(self, start: datetime, end: datetime) -> list[Happening]:
        first, last = day_number(start - LONGEST), day_number(end)
        return [happening for day in range(first, last + 1) for happening in self._of_day(day)]

    def _draw_day(self, day: int) -> list[Happening]:
        draws = generator(self._seed, Purpose.INCIDENTS, day)
        return [self._draw(draws, day, number) for number in range(draws.poisson(PER_DAY))]

    def _draw(self, draws: np.random.Generator, day: int, number: int) -> Happening:
        link = int(draws.choice(len(self._links), p=self._weights))
        kind = KINDS[int(draws.choice(len(KINDS), p=[share for _, share in KINDS]))][0]
        # three in five fall into the waking hours of New York, 11 to 24 UTC
        hour = draws.uniform(11, 24) if draws.random() < 0.6 else draws.uniform(0, 24)
        start = within_day(day, hour * 3600)
        minutes = float(np.clip(draws.lognormal(np.log(MEDIAN_MINUTES), 0.6), 8, LONGEST.total_seconds() / 60))
        blocked = int(min(draws.choice([0, 1, 2, 3], p=[0.35, 0.42, 0.17, 0.06]), self._links[link].lanes))
        end = (start + timedelta(minutes=minutes)).replace(microsecond=0)
        return Happening(f"nyc-sim-{day}-{number}", link, kind, start, end, blocked)

    def _event(self, happening: Happening, time: datetime, status: IncidentStatus) -> Incident:
        link = self._links[happening.link]
        middle = link.shape[len(link.shape) // 2]
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
