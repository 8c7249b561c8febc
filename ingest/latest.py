"""The newest good reading of each sensor: `latest_readings` follows what is stored, a few times a second."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest import statements
from ingest.connection import Connection
from ingest.flags import GOOD
from ingest.readings import Integers, Readings, microseconds
from ingest.registry import Registry


@dataclass(frozen=True)
class Newest:
    """What a batch makes the newest of its sensors, once it is stored: their places and states in the registry."""

    places: Integers
    states: NDArray[np.void]

    @classmethod
    def of(cls, readings: Readings, flags: NDArray[np.int8], registry: Registry) -> "Newest":
        """Of readings that are flagged, before the next batch is."""
        newest = (flags == GOOD) & (readings.times == registry.state["newest"][readings.sensors])
        places = np.unique(readings.sensors[newest]).astype(np.int64)
        return cls(places, registry.state[places])

    def without(self, refused: Readings) -> "Newest":
        """The same less the readings that the database refused."""
        keep = np.ones(len(self.places), dtype=bool)
        for sensor, time in zip(refused.sensors, refused.times, strict=True):
            keep &= (self.places != sensor) | (self.states["newest"] != time)
        return Newest(self.places[keep], self.states[keep])


class Latest:
    """Keeps `latest_readings`, on a connection of its own."""

    def __init__(self, database_url: str) -> None:
        self._connection = Connection(database_url)
        self._stored: list[Newest] = []  # since the last `note`

    def add(self, newest: Newest) -> None:
        """What is stored by now; in the order of the batches."""
        self._stored.append(newest)

    async def settle(self, registry: Registry, places: Integers) -> None:
        """Look up what is stored of sensors of which nothing else tells the newest good reading."""
        ids = registry.state["id"][places].tolist()
        cursor = await (await self._connection.get()).execute(statements.NEWEST_STORED, [ids], binary=True)
        found = [
            place
            for place, (time, *measures) in zip(places, await cursor.fetchall(), strict=True)
            if time is not None and registry.raise_newest(int(place), microseconds(time), measures)
        ]
        self.add(Newest(np.array(found, dtype=np.int64), registry.state[found]))

    async def note(self) -> None:
        """Bring `latest_readings` up to what is stored."""
        stored, count = self._stored, len(self._stored)
        if not count:
            return
        places = np.concatenate([newest.places for newest in stored])[::-1]
        _, last = np.unique(places, return_index=True)
        states = np.concatenate([newest.states for newest in stored])[::-1][last]
        times = (states[name].astype("datetime64[us]").tolist() for name in ("newest", "since"))
        columns = [states["id"].tolist(), *times, states["unchanged"].tolist(), *states["measures"].T.tolist()]
        await (await self._connection.get()).execute(statements.UPSERT_LATEST, columns)
        del stored[:count]  # of the list as it was: it may have been forgotten meanwhile

    def forget(self) -> None:
        """What is stored of these partitions from now on is another's."""
        self._stored = []

    async def close(self) -> None:
        """Give the connection back."""
        await self._connection.close()
