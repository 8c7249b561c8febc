"""The sensors that this process has met, as arrays: their ids, what is known of them, and what each said last.

Each has a place, given when it is first named. What the database knows of it is loaded before its first reading is
looked at, and again when Kafka hands out partitions anew, since another process may have had it meanwhile.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ingest import statements
from ingest.readings import NEVER, Integers, Readings, microseconds
from schema.events import ExternalId
from schema.quality import KINDS, UNKNOWN_LANES
from schema.rollups import MEASURES

NO_SENSOR: Final = -1
_FIRST_PLACES: Final = 1_024
_LOADED_AT_ONCE: Final = 1_000

#: One row a sensor. `newest` and `since` are in microseconds since 1970: the time of its newest good reading, and
#: of the first of the `unchanged` readings in a row that say the same as that one; `measures` are its own. `seen` is
#: the time of the newest of any kind that went through here or is stored.
_STATE: Final = np.dtype(
    [
        ("id", np.int32),
        ("kind", np.int8),
        ("lanes", np.int16),
        ("loaded", np.bool_),
        ("newest", np.int64),
        ("since", np.int64),
        ("unchanged", np.int32),
        ("seen", np.int64),
        ("measures", np.float32, (len(MEASURES),)),
    ]
)


class Registry:
    """`places_of` gives sensors their places in `state`."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.state = _unknown(_FIRST_PLACES)
        self._places: dict[str, int] = {}

    def places_of(self, sensors: Sequence[str]) -> list[int]:
        """The sensors' places, a new one for each that is named for the first time; NO_SENSOR for what is no name."""
        known = self._places
        return [known[sensor] if sensor in known else self._add(sensor) for sensor in sensors]

    def unloaded(self, places: NDArray[np.int32]) -> Integers:
        """Those of `places` whose sensor has yet to be loaded, each once."""
        return np.unique(places[~self.state["loaded"][places]]).astype(np.int64)

    async def load(self, connection: AsyncConnection[TupleRow], places: Integers) -> None:
        """Read what the database knows of these sensors; those it does not know are registered first."""
        for start in range(0, len(places), _LOADED_AT_ONCE):
            names = sorted(self.names[place] for place in places[start : start + _LOADED_AT_ONCE])
            await connection.execute(statements.REGISTER_SENSORS, [names])
            cursor = await connection.execute(statements.KNOWN_SENSORS, [names], binary=True)
            for row in await cursor.fetchall():
                self._take(self._places[row[0]], row)

    async def refresh(self, connection: AsyncConnection[TupleRow], seconds: float) -> None:
        """Take in the descriptions that came in the last `seconds`."""
        cursor = await connection.execute(statements.DESCRIBED_SENSORS, [seconds])
        for row in await cursor.fetchall():
            if (place := self._places.get(row[0])) is not None:
                self._describe(place, row)

    def forget(self) -> None:
        """Have all loaded anew: others may have stored readings of these sensors."""
        self.state["loaded"] = False

    def see(self, readings: Readings) -> bool:
        """Whether each of `readings` is newer than all that was seen of its sensor before this call."""
        sensors, times, seen = readings.sensors, readings.times, self.state["seen"]
        newer = bool((times > seen[sensors]).all())
        np.maximum.at(seen, sensors, times)
        return newer

    def raise_newest(self, place: int, time: int, measures: Sequence[float | None]) -> bool:
        """Take a stored good reading for the sensor's newest; whether it is."""
        state = self.state
        is_newer = bool(time > state["newest"][place])
        if is_newer:
            state["newest"][place] = state["since"][place] = time
            state["measures"][place], state["unchanged"][place] = measures, 1
        return is_newer

    def disbelieve(self, refused: Readings) -> Integers:
        """Know of no newest reading where it is one of `refused`; returns the places."""
        state = self.state
        places = np.unique(refused.sensors[state["newest"][refused.sensors] == refused.times]).astype(np.int64)
        state["newest"][places] = state["since"][places] = NEVER
        state["unchanged"][places] = 0
        return places

    def _add(self, sensor: str) -> int:
        try:
            msgspec.convert(sensor, ExternalId)
        except msgspec.ValidationError:
            return NO_SENSOR
        place = len(self.names)
        self.names.append(sensor)
        self._places[sensor] = place
        if place == len(self.state):
            self.state = np.concatenate([self.state, _unknown(len(self.state))])
        return place

    def _describe(self, place: int, row: TupleRow) -> None:
        _, number, kind, lanes, *_ = row
        state = self.state
        state["id"][place], state["kind"][place] = number, KINDS.index(kind) if kind in KINDS else 0
        state["lanes"][place] = lanes or UNKNOWN_LANES

    def _take(self, place: int, row: TupleRow) -> None:
        self._describe(place, row)
        seen, time, since, unchanged, *measures = row[4:]
        state = self.state
        state["newest"][place] = NEVER if time is None else microseconds(time)
        state["seen"][place] = max(state["seen"][place], NEVER if seen is None else microseconds(seen))
        state["since"][place] = NEVER if time is None else microseconds(since or time)
        state["unchanged"][place] = 0 if time is None else unchanged or 1
        state["measures"][place] = measures
        state["loaded"][place] = True


def _unknown(places: int) -> NDArray[np.void]:
    state = np.zeros(places, dtype=_STATE)
    state["newest"] = state["since"] = state["seen"] = NEVER
    return state
