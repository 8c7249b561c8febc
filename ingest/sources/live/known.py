"""What a feed has published before, and what of a new document is news.

    document's parts ─► compare ─► News: sensors, observations, incidents, letters ─► published ─► remember

A sensor is news when its description changes, an observation when it is newer than the newest of its sensor, an
incident as `incidents.py` says, a part that cannot be used when the document before did not have it. Comparing
changes nothing, so that what could not be published is news again in the next poll. Memory is bounded by what the
feed holds: one description and one time a sensor, the open incidents, the letters of one document.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ingest.sources.live.feed import Feed, Part
from ingest.sources.live.incidents import Incidents, Told
from ingest.sources.outcome import Refused, Rejected
from schema.events import Event, Incident, Reading, Sensor, Weather, check_time, encode
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

ObservedT = TypeVar("ObservedT", Reading, Weather)
Letter = tuple[bytes, str]  # what cannot be used, and why


@dataclass(frozen=True)
class News:
    """What a poll brought."""

    sensors: list[Sensor]
    readings: list[Reading]
    weather: list[Weather]
    incidents: Told
    rejected: list[Rejected]
    refused: Counter[str]
    letters: frozenset[Letter]  # of this document, those sent before too
    unchanged: int
    newest: datetime | None  # time in the document

    @property
    def events(self) -> list[Event]:
        """All but the readings, in the order to publish them."""
        return [*self.sensors, *self.weather, *self.incidents.events]


class Known:
    """The published state of one feed; `published` is what Kafka holds of it, in its order."""

    def __init__(self, feed: Feed, settings: Settings, published: Iterable[Event] = ()) -> None:
        self._oldest, self._future_tolerance = settings.oldest_time, settings.future_tolerance
        self._sensors: dict[str, Sensor] = {}
        self._newest: dict[str, datetime] = {}
        self._incidents = Incidents(lists_active=feed.lists_active)
        self._letters: frozenset[Letter] = frozenset()
        for event in published:
            self._learn(event)

    def compare(self, parts: Iterable[Part], now: datetime, url: str) -> News:
        """What is news in a document of `now`; `url` is where letters about its times say that they are from."""
        found = self._sorted_out(parts, now, url)
        described = {sensor.external_id: sensor for sensor in reversed(found.sensors)}
        sensors = [sensor for key, sensor in described.items() if self._sensors.get(key) != sensor]
        readings, weather = self._newer(found.readings), self._newer(found.weather)
        told = self._incidents.compare(found.incidents, now)
        observed = len(found.readings) + len(found.weather) - len(readings) - len(weather)
        return News(
            sensors=sensors,
            readings=readings,
            weather=weather,
            incidents=told,
            rejected=[part for part in found.rejected if _letter(part) not in self._letters],
            refused=found.refused,
            letters=frozenset(map(_letter, found.rejected)),
            unchanged=len(described) - len(sensors) + observed + told.unchanged,
            newest=max((event.time for event in found.timed), default=None),
        )

    def remember(self, news: News) -> None:
        """All of it is published."""
        for event in [*news.sensors, *news.readings, *news.weather]:
            self._learn(event)
        self._incidents.remember(news.incidents)
        self._letters = news.letters

    def _learn(self, event: Event) -> None:
        if isinstance(event, Sensor):
            self._sensors[event.external_id] = event
        elif isinstance(event, Incident):
            self._incidents.learn(event)
        elif isinstance(event, Reading | Weather):
            self._newest[event.key] = max(event.time, self._newest.get(event.key, event.time))

    def _sorted_out(self, parts: Iterable[Part], now: datetime, url: str) -> "_Parts":
        found = _Parts()
        for part in parts:
            if isinstance(part, Event) and (reason := self._implausible(part, now)) is not None:
                found.add(Rejected(f"{url}#{part.key}", encode(part), reason))
            else:
                found.add(part)
        return found

    def _implausible(self, event: Event, now: datetime) -> str | None:
        try:
            check_time(event, now=now, oldest=self._oldest, future_tolerance=self._future_tolerance)
        except InvalidEvent as error:
            return error.reason
        return None

    def _newer(self, observed: list[ObservedT]) -> list[ObservedT]:
        """Those newer than what is published of their sensor or station, in the order of time, each time once."""
        newest = dict[str, datetime]()
        newer = []
        for event in sorted(observed, key=lambda event: event.time):
            before = newest.get(event.key, self._newest.get(event.key))
            if before is None or event.time > before:
                newest[event.key] = event.time
                newer.append(event)
        return newer


@dataclass
class _Parts:
    """A document's parts by what they are."""

    sensors: list[Sensor] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    weather: list[Weather] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def timed(self) -> list[Reading | Weather | Incident]:
        return [*self.readings, *self.weather, *self.incidents]

    def add(self, part: Part) -> None:
        match part:
            case Refused():
                self.refused[part.reason] += 1
            case Rejected():
                self.rejected.append(part)
            case Sensor():
                self.sensors.append(part)
            case Reading():
                self.readings.append(part)
            case Weather():
                self.weather.append(part)
            case Incident():
                self.incidents.append(part)


def _letter(part: Rejected) -> Letter:
    return part.row, part.reason
