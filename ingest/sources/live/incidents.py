"""The incidents that a feed has told of, and what its next document changes: reported, updated, cleared.

A feed lists what is active, as it stands. An incident that is not known is reported, one that says something else is
updated, and one that is gone, or said to be over, is cleared.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from schema.events import Incident

CLEARED_KNOWN: Final = timedelta(days=1)  # one that comes back until then is reported anew, after it was cleared
MISSED_TO_CLEAR: Final = 2  # documents in a row without it, since servers lose an incident for a moment


@dataclass(frozen=True)
class Told:
    """What to publish of a document's incidents, and what to remember once that is done."""

    events: list[Incident]
    now: datetime
    unchanged: int
    listed: frozenset[str]
    missed: dict[str, int] = field(default_factory=dict)


class Incidents:
    """The newest published state of each incident that is open, in the last document, or cleared not long ago."""

    def __init__(self, *, lists_active: bool) -> None:
        self._lists_active = lists_active
        self._known: dict[str, Incident] = {}
        self._missed: dict[str, int] = {}  # documents in a row without an open incident

    def learn(self, incident: Incident) -> None:
        """One that is published; in the order in which they were."""
        self._known[incident.id] = incident

    def compare(self, incidents: Iterable[Incident], now: datetime) -> Told:
        """What a document's incidents change. Of one that has several states there, the last one counts."""
        histories: dict[str, list[Incident]] = {}
        for incident in incidents:
            histories.setdefault(incident.id, []).append(incident)
        changes = [_changes(self._known.get(key), history, now) for key, history in histories.items()]
        missed = self._missing(histories.keys())
        gone = [self._known[key] for key, times in missed.items() if times >= MISSED_TO_CLEAR]
        cleared = [replace(incident, status="cleared", time=max(now, incident.time)) for incident in gone]
        return Told(
            events=[event for events in changes for event in events] + cleared,
            now=now,
            unchanged=sum(not events for events in changes),
            listed=frozenset(histories),
            missed=missed,
        )

    def remember(self, told: Told) -> None:
        """All of it is published."""
        for incident in told.events:
            self.learn(incident)
        since = told.now - CLEARED_KNOWN
        self._known = {
            key: known
            for key, known in self._known.items()
            if _is_open(known) or known.time >= since or key in told.listed
        }
        self._missed = told.missed

    def _missing(self, listed: Iterable[str]) -> dict[str, int]:
        if not self._lists_active:
            return {}
        is_open = {key for key, known in self._known.items() if _is_open(known)}
        return {key: self._missed.get(key, 0) + 1 for key in sorted(is_open - set(listed))}


def _changes(known: Incident | None, history: list[Incident], now: datetime) -> list[Incident]:
    """The states to publish of one incident. One that was never told of is not cleared."""
    first, last = history[0], history[-1]
    if known is None and _is_open(first):
        reported = replace(first, status="reported")
        return [reported] if _is_open(last) else [reported, _after(reported, last, now)]
    if known is None or not _is_open(known):
        anew = replace(last, status="reported")
        return [] if not _is_open(last) else [anew if known is None else _after(known, anew, now)]
    if _is_open(last):
        return [] if _says_the_same(known, last) else [_after(known, replace(last, status="updated"), now)]
    return [_after(known, last, now)]


def _after(before: Incident, incident: Incident, now: datetime) -> Incident:
    """The state with its own time, or with that of the document where its own does not follow the state before."""
    return incident if incident.time > before.time else replace(incident, time=max(now, before.time))


def _is_open(incident: Incident) -> bool:
    return incident.status != "cleared"


def _says_the_same(a: Incident, b: Incident) -> bool:
    """Whether two states differ in nothing but the time they are of, and their place in the incident's life."""
    return a == replace(b, time=a.time, status=a.status)
