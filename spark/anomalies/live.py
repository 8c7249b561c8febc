"""Watches a city reading by reading: what it says now is measured against the normal band, against what it said a
moment ago, against its neighbours on the corridor, and against silence.

    speed_drop          far below the normal band, or suddenly below what the day was like so far, for a minute
    speed_rise          far above the normal band for ten minutes
    unlike_neighbours   far from normal for two hours, while the sensors before and after it are as they normally are
    stuck               it says the same, longer than ingest allows
    silent              it says nothing for 30 minutes, and four times as long as it usually does, while most do

What slows the whole city, as snow does, is taken away first: the median of all sensors' speeds over what is expected.
The sudden drop compares two exponentially weighted means of the logarithm of what is left, one of a minute and one of
20 minutes, which hardly follows while a drop is suspected. So a road that is slower today is not told for it, and one
that breaks down within its normal band is.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np

from schema.quality import STUCK_READINGS
from spark.anomalies.alarms import Alarms, Change, Seen
from spark.anomalies.band import Band, slot
from spark.anomalies.stretches import ALONE, ALONE_STEPS, BEGINS, ENDS, LEAST_CHANGE, MOST_SILENT, SILENT_STEPS
from spark.calendar import STEP_S, Calendar
from spark.sensors import Sensor

FAST_S: Final = 60.0
SLOW_S: Final = 1_200.0
SUSPECTED: Final = 0.1  # below the slow mean
HARDLY: Final = 0.3  # of its pace, at which the slow mean follows while a drop is suspected
OPEN_S: Final = 6 * 3_600.0  # in which what an open drop has come to is what the day is like
SUDDEN: Final = 0.25  # as a logarithm: 22 %
BELOW: Final = 1.0  # robust deviations from normal that a sudden drop goes below
WARM: Final = 10  # readings without which nothing is sudden
HOLD_S: Final = {"speed_drop": 60.0, "speed_rise": 600.0, "unlike_neighbours": ALONE_STEPS * STEP_S}
AT_ONCE: Final = ("stuck", "silent")
SILENT_S: Final = SILENT_STEPS * STEP_S
RECENT_S: Final = 900.0  # what counts as how the city is now
SLICE_S: Final = 60.0  # readings of one slice see one city

STATE: Final = np.dtype(
    [
        ("last", "f8"),  # epoch of its newest reading
        ("step", "f4"),  # seconds from one to the next, as a rule
        ("readings", "i4"),
        ("ratio", "f4"),  # of its speed to what was expected
        ("z", "f4"),
        ("fast", "f4"),
        ("slow", "f4"),
        ("speed", "f4"),
        ("volume", "f4"),
        ("same_since", "f8"),
        ("same", "i4"),  # readings in a row that say the same
    ]
)


class Watch:
    """All sensors of a city; what it knows of each has a fixed size."""

    def __init__(
        self, sensors: Sequence[Sensor], band: Band, calendar: Calendar, stuck_after: timedelta | None = None
    ) -> None:
        self.ids = np.array(sorted(one.id for one in sensors), np.int64)
        self._band, self._calendar = band.of(self.ids), calendar
        self._stuck_s = np.inf if stuck_after is None else stuck_after.total_seconds()
        self._beside = _neighbours(sensors, self.ids)
        self._now = np.zeros(len(self.ids), STATE)
        for name in set(STATE.names or ()) - {"readings", "same"}:
            self._now[name] = np.nan
        self._alarms = {kind: Alarms(kind, self.ids, hold) for kind, hold in HOLD_S.items()}
        self._alarms |= {kind: Alarms(kind, self.ids, 0.0, 0.0) for kind in AT_ONCE}

    def state(self) -> bytes:
        """What it knows."""
        kept = {kind: alarms.state for kind, alarms in self._alarms.items()}
        file = io.BytesIO()
        np.savez_compressed(file, ids=self.ids, now=self._now, **kept)  # type: ignore[arg-type]
        return file.getvalue()

    def go_on_from(self, state: bytes) -> None:
        """From what another knew, of the sensors that it knew."""
        kept = np.load(io.BytesIO(state), allow_pickle=False)
        _, here, there = np.intersect1d(self.ids, kept["ids"], return_indices=True)
        self._now[here] = kept["now"][there]
        for kind, alarms in self._alarms.items():
            alarms.state[here] = kept[kind][there]

    def see(
        self, sensor_ids: np.ndarray, epochs: np.ndarray, speeds_kmh: np.ndarray, volumes_vph: np.ndarray
    ) -> list[Change]:
        """What changes by these readings, in any order; speeds and volumes are NaN where they are not known.

        Of an unknown sensor, or one that is not newer than what the sensor said before, nothing is taken.
        """
        places = np.minimum(np.searchsorted(self.ids, sensor_ids), max(len(self.ids) - 1, 0))
        known = np.flatnonzero(self.ids[places] == sensor_ids) if len(self.ids) else np.array([], int)
        order = known[np.lexsort((epochs[known], places[known]))]
        told = np.column_stack([epochs, speeds_kmh, volumes_vph]).astype(float)[order]
        changes = [change for one in _rounds(places[order], told) for change in self._take(*one)]
        return changes + self._fallen_silent()

    def _take(self, who: np.ndarray, rows: np.ndarray) -> Iterator[Change]:
        """One reading a sensor."""
        newer = ~(rows[:, 0] <= self._now["last"][who])
        who, (epochs, speeds, volumes) = who[newer], rows[newer].T
        if not len(who):
            return
        before = self._now[who]
        yield from self._heard(who, epochs, before)
        expected, spread = self._normal(who, epochs)
        mine = self._now[who] = _told(before, epochs, speeds, volumes, expected)
        expected = expected * self._city(epochs)
        mine["z"] = (speeds - expected) / spread
        self._means(mine, before, np.log(np.maximum(speeds, 1.0) / expected), self._alarms["speed_drop"].open[who])
        self._now[who] = mine
        yield from self._stuck(Seen(who, epochs, np.full(len(who), np.nan), speeds), mine)
        yield from self._off_normal(Seen(who, epochs, expected, speeds), mine)

    def _means(self, mine: np.ndarray, before: np.ndarray, left: np.ndarray, dropped: np.ndarray) -> None:
        lasted = mine["last"] - before["last"]
        mine["fast"] = _toward(before["fast"], left, lasted / FAST_S)
        suspected = mine["fast"] - before["slow"] < -SUSPECTED
        pace = np.where(dropped, SLOW_S / OPEN_S, np.where(suspected, HARDLY, 1.0))
        mine["slow"] = _toward(before["slow"], left, pace * lasted / SLOW_S)

    def _off_normal(self, seen: Seen, mine: np.ndarray) -> Iterable[Change]:
        z, change, fallen = mine["z"], seen.observed / seen.expected - 1, mine["fast"] - mine["slow"]
        sudden = (fallen <= -SUDDEN) & (z <= -BELOW) & (mine["readings"] >= WARM)
        far = (np.abs(z) >= BEGINS) & (np.abs(change) >= LEAST_CHANGE)
        calm = (fallen > -SUSPECTED) | (change > -SUSPECTED / 2)
        score = np.fmax(-z, np.where(sudden, -fallen / SUDDEN * BEGINS, 0.0))
        yield from self._alarms["speed_drop"].see(seen, (far & (z < 0)) | sudden, calm, score)
        yield from self._alarms["speed_rise"].see(seen, far & (z > 0), z < ENDS, z)
        others = np.fmax.reduce(np.abs(np.append(self._now["z"], np.nan)[self._beside[seen.who]]), axis=1)
        alone = (np.abs(z) >= BEGINS) & (others <= ALONE)
        yield from self._alarms["unlike_neighbours"].see(seen, alone, ~alone, np.abs(z))

    def _stuck(self, seen: Seen, mine: np.ndarray) -> list[Change]:
        lasts = seen.epochs - mine["same_since"]
        stuck = (mine["same"] >= STUCK_READINGS) & (lasts >= self._stuck_s) & (mine["volume"] != 0)
        return self._alarms["stuck"].see(seen, stuck, mine["same"] == 1, lasts / 3_600)

    def _heard(self, who: np.ndarray, epochs: np.ndarray, before: np.ndarray) -> list[Change]:
        """The silences that these readings end."""
        nothing, every = np.full(len(who), np.nan), np.ones(len(who), bool)
        hours = (epochs - before["last"]) / 3_600
        return self._alarms["silent"].see(Seen(who, epochs, nothing, nothing), ~every, every, hours)

    def _fallen_silent(self) -> list[Change]:
        """The silences that begin now, which is when the newest of all readings was taken."""
        last = self._now["last"]
        quiet = np.nanmax(last, initial=-np.inf) - last
        known = ~np.isnan(quiet)
        if not known.any() or (quiet[known] < SILENT_S).mean() < MOST_SILENT:
            return []
        least = np.fmax(SILENT_S, 4 * self._now["step"])
        who = np.flatnonzero((quiet >= least) & ~self._alarms["silent"].open)
        return self._alarms["silent"].begin(who, last[who], quiet[who] / 3_600)

    def _normal(self, who: np.ndarray, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        steps, at = np.unique(epochs // STEP_S, return_inverse=True)
        slots = np.array([slot(self._calendar.moment(int(step) * STEP_S)) for step in steps])[at]
        return self._band.expected[slots, who], self._band.spread[slots, who]

    def _city(self, epochs: np.ndarray) -> float:
        """How fast the city is as a whole, over what is expected of it; at most 1."""
        recent = self._now["ratio"][self._now["last"] >= epochs.max() - RECENT_S]
        known = recent[~np.isnan(recent)]
        return min(1.0, float(np.median(known))) if len(known) else 1.0


def _neighbours(sensors: Sequence[Sensor], ids: np.ndarray) -> np.ndarray:
    """The places of the sensors before and after each on its corridor; one past the last where there is none."""
    place = {int(number): at for at, number in enumerate(ids)}
    found = np.full((len(ids), 2), len(ids))
    along = sorted((one for one in sensors if one.corridor), key=lambda one: (one.corridor, one.ordinal or 0, one.id))
    for one, other in pairwise(along):
        if one.corridor == other.corridor:
            found[place[one.id], 1], found[place[other.id], 0] = place[other.id], place[one.id]
    return found


def _rounds(places: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Readings in order of place and time, as rounds in which a sensor has one, a slice of time after the other."""
    slices = rows[:, 0] // SLICE_S
    for one in np.unique(slices):
        now = np.flatnonzero(slices == one)
        first = np.searchsorted(places[now], places[now])
        turn = np.arange(len(now)) - first
        for number in range(int(turn.max()) + 1):
            chosen = now[turn == number]
            yield places[chosen], rows[chosen]


def _told(
    before: np.ndarray, epochs: np.ndarray, speeds: np.ndarray, volumes: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """What is known of the sensors by what they say now."""
    mine = before.copy()
    lasted = epochs - before["last"]
    mine["step"] = np.where(np.isnan(before["step"]), lasted, 0.9 * before["step"] + 0.1 * lasted)
    mine["last"], mine["speed"], mine["volume"], mine["ratio"] = epochs, speeds, volumes, speeds / expected
    mine["readings"] += 1
    same = (
        _equal(mine["speed"], before["speed"]) & _equal(mine["volume"], before["volume"]) & (before["readings"] > 0)
    )
    mine["same"] = np.where(same, before["same"] + 1, 1)
    mine["same_since"] = np.where(same, before["same_since"], epochs)
    return mine


def _equal(one: np.ndarray, other: np.ndarray) -> Any:
    return (one == other) | (np.isnan(one) & np.isnan(other))


def _toward(before: np.ndarray, now: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """An exponentially weighted mean, so many time constants later; it stays where nothing is known."""
    moved = before + (1 - np.exp(-constants)) * (now - before)
    return np.where(np.isnan(now), before, np.where(np.isnan(before), now, moved))
