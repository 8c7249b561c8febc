"""A scenario with its time settled: what it does to traffic and weather, and the incident it announces."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import msgspec
import numpy as np

from ingest.sources.simulator.demand import NEW_YORK
from ingest.sources.simulator.incidents import INCIDENT_PREFIX, remaining_capacity, states
from ingest.sources.simulator.influence import Influence
from ingest.sources.simulator.network import Link
from ingest.sources.simulator.scenarios import form, place
from ingest.sources.simulator.scenarios.form import Effect, Form
from ingest.sources.simulator.vectors import Numbers, Vector
from schema.events import Incident, IncidentStatus, Weather
from urbanclear.errors import ConfigurationError

PREFIX: Final = f"{INCIDENT_PREFIX}scenario-"
SECOND: Final = timedelta(seconds=1)
WEEK: Final = timedelta(days=7)
MOST_SENSORS: Final = 100  # named in one incident


@dataclass(frozen=True)
class Scenario:
    """`start` is that of the first occurrence."""

    name: str
    form: Form
    start: datetime
    links: Sequence[Link]

    def occurrences(self, start: datetime, end: datetime) -> list[datetime]:
        """The begins of those that last into the time after `start` and before `end`; weeks are the wall clock's."""
        lasts = self._lasts
        if not self.form.weekly:
            return [self.start] if self.start < end and start < self.start + lasts else []
        local = self.start.astimezone(NEW_YORK)
        first = max(0, (start - lasts - self.start) // WEEK - 1)
        last = max(0, (end - self.start) // WEEK + 2)
        begins = [(local + number * WEEK).astimezone(UTC) for number in range(first, last)]
        return [begin for begin in begins if begin < end and start < begin + lasts]

    def influences(self, start: datetime, end: datetime) -> list[Influence]:
        """What it does to traffic between `start` and `end`."""
        return [
            influence.moved(self.id(begin), begin.timestamp())
            for begin in self.occurrences(start, end)
            for influence in self._influences
        ]

    def events(self, start: datetime, end: datetime) -> list[Incident]:
        """What it announces after `start` and up to `end`."""
        changes = [
            self._event(begin, time, status)
            for begin in self.occurrences(start - SECOND, end + SECOND)
            for time, status in states(begin, begin + self._lasts)
            if start < time <= end
        ]
        return changes if self.form.announce else []

    def upon(self, weather: Weather) -> Weather:
        """The weather with this scenario's in it."""
        worst = self.form.weather
        strength = max((self._strength(begin, weather.time) for begin in self._now(weather.time)), default=0.0)
        if worst is None or strength == 0:
            return weather
        clear_m = weather.visibility_m or 0.0
        return msgspec.structs.replace(
            weather,
            precipitation_mm=max(weather.precipitation_mm or 0.0, round(strength * worst.precipitation_mm, 2)),
            wind_speed_kmh=max(weather.wind_speed_kmh or 0.0, round(strength * worst.wind_speed_kmh, 1)),
            visibility_m=round(min(clear_m, clear_m + strength * (worst.visibility_m - clear_m))),
            condition=worst.condition,
        )

    def id(self, begin: datetime) -> str:
        """The incident's id, in which a restarted source finds its start again."""
        return f"{PREFIX}{self.name}-{int(begin.timestamp())}"

    @cached_property
    def _lasts(self) -> timedelta:
        """As the file says, or as long as the route takes."""
        ends = [influence.end.max() for influence in self._influences]
        return max(self.form.lasts, *(timedelta(seconds=float(end)) for end in ends)) if ends else self.form.lasts

    @cached_property
    def _links(self) -> list[Link]:
        """Those that its effects name."""
        meant = (place.meant(effect, self.links, self.name) for effect in self.form.effects if effect.has_place)
        return [self.links[number] for number in dict.fromkeys(np.concatenate([[], *meant]).astype(int).tolist())]

    @cached_property
    def _influences(self) -> list[Influence]:
        """Of an occurrence that begins at second 0."""
        found = [one for effect in self.form.effects for one in self._of(effect)]
        if self.form.weather is not None:
            found.append(self._influence(np.arange(len(self.links)), 0.0, self.form.lasts.total_seconds(), 1.0, 1.0))
        return found

    def _of(self, effect: Effect) -> list[Influence]:
        chosen = place.meant(effect, self.links, self.name)
        begin, end = self._window(effect, chosen)
        found = [self._influence(chosen, begin, end, self._capacity(effect, chosen), effect.demand)]
        if effect.detour is not None:
            beside = place.near(self.links, chosen, effect.detour.within_m)
            if len(beside):
                found.append(self._influence(beside, begin.min(), end.max(), 1.0, effect.detour.demand))
        return found

    def _window(self, effect: Effect, chosen: Numbers) -> tuple[Vector, Vector]:
        begin = np.full(len(chosen), effect.after.total_seconds())
        if effect.rolling is not None and effect.route is not None:
            way_m = np.array([place.along_m(effect.route, self.links[number]) for number in chosen])
            begin += way_m / (effect.rolling.speed_kmh / 3.6)
            return begin, begin + effect.rolling.closed_for.total_seconds()
        lasts = effect.lasts or self.form.lasts - effect.after
        return begin, begin + lasts.total_seconds()

    def _capacity(self, effect: Effect, chosen: Numbers) -> Vector | float:
        if effect.lanes_closed is None:
            return 1.0 if effect.capacity_left is None else effect.capacity_left
        closed = effect.lanes_closed
        lanes = [self.links[number].lanes for number in chosen]
        return np.array([remaining_capacity(closed, count) if closed < count else 0.0 for count in lanes])

    def _influence(
        self, links: Numbers, begin: Vector | float, end: Vector | float, capacity: Vector | float, demand: float
    ) -> Influence:
        every = np.ones(len(links))
        ramps = self.form.ramp_up.total_seconds(), self.form.ramp_down.total_seconds()
        return Influence("", links, begin * every, end * every, capacity * every, demand * every, *ramps)

    def _now(self, time: datetime) -> list[datetime]:
        return self.occurrences(time - SECOND, time + SECOND)

    def _strength(self, begin: datetime, time: datetime) -> float:
        up, down = (max(ramp, timedelta(seconds=1)) for ramp in (self.form.ramp_up, self.form.ramp_down))
        rising, falling = (time - begin) / up, (begin + self.form.lasts - time) / down
        return min(max(rising, 0.0), max(falling, 0.0), 1.0)

    def _event(self, begin: datetime, time: datetime, status: IncidentStatus) -> Incident:
        announced = self.form.announce or form.Announcement()
        links = self._links
        roads, areas = ({getattr(link, what) for link in links} for what in ("road", "area"))
        return Incident(
            id=self.id(begin),
            time=time,
            status=status,
            kind=announced.kind,
            severity=announced.severity,
            started_at=begin,
            description=announced.description or self.form.title,
            sensors=[link.external_id for link in links[:MOST_SENSORS]],
            area=areas.pop() if len(areas) == 1 else None,
            road=roads.pop() if len(roads) == 1 else None,
            lat=links[0].middle[0] if links else None,
            lon=links[0].middle[1] if links else None,
        )


def settle(
    names: Iterable[str], links: Sequence[Link], now: datetime, open_incidents: Iterable[Incident] = ()
) -> list[Scenario]:
    """The scenarios by these names or files; a relative start counts from `now`, or goes on where it is open.

    Raises `ConfigurationError`.
    """
    read = [form.read(name) for name in names]
    if len({name for name, _ in read}) < len(read):
        raise ConfigurationError("A scenario is named twice: name each once, and call files differently.")
    going_on = {incident.id.rpartition("-")[0]: incident.started_at for incident in open_incidents}
    settled = [_settled(name, what, links, now, going_on) for name, what in read]
    for scenario in settled:
        scenario.influences(scenario.start, scenario.start + SECOND)  # finds what is about no link
    return settled


def _settled(
    name: str, what: Form, links: Sequence[Link], now: datetime, going_on: Mapping[str, datetime]
) -> Scenario:
    if isinstance(what.start, datetime):
        return Scenario(name, what, what.start.astimezone(UTC), links)
    begun = going_on.get(f"{PREFIX}{name}")
    if begun is not None and (as_it_was := Scenario(name, what, begun, links)).occurrences(now, now + SECOND):
        return as_it_was
    return Scenario(name, what, (now + what.start).replace(microsecond=0), links)
