"""The sensors of a city as a stream needs them: by external id, with what is plausible of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from schema.quality import KINDS, UNKNOWN_LANES, implausible
from schema.rollups import MEASURES

_SENSORS: Final = "SELECT external_id, id, kind, lanes FROM sensors ORDER BY external_id"
UNKNOWN: Final = -1


@dataclass(frozen=True)
class Readings:
    """Those of a batch that are of known sensors and plausible, and the external ids that nobody knows."""

    sensor_ids: NDArray[np.int64]
    epochs: NDArray[np.float64]
    speeds_kmh: NDArray[np.float64]
    volumes_vph: NDArray[np.float64]
    unknown: Sequence[str]

    def __len__(self) -> int:
        return len(self.sensor_ids)


@dataclass(frozen=True)
class Roster:
    """Who is who."""

    places: dict[str, int] = field(repr=False)
    ids: NDArray[np.int64]
    kinds: NDArray[np.int8]
    lanes: NDArray[np.int16]

    @classmethod
    def of(cls, database_url: str) -> "Roster":
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(_SENSORS).fetchall()
        return cls(
            {name: place for place, (name, *_) in enumerate(rows)},
            np.array([number for _, number, *_ in rows], np.int64),
            np.array([KINDS.index(kind) if kind in KINDS else 0 for *_, kind, _ in rows], np.int8),
            np.array([lanes or UNKNOWN_LANES for *_, lanes in rows], np.int16),
        )

    def readings(self, batch: pa.Table, bounds: tuple[float, float]) -> Readings:
        """What `spark.stream.readings` made of a batch, collected; `bounds` are the first and the last time (s since
        1970) at which ingest takes a reading."""
        names = batch.column("sensor").combine_chunks().dictionary_encode()
        told = [self.places.get(name, UNKNOWN) for name in names.dictionary.to_pylist()]
        places = np.array([*told, UNKNOWN], np.int64)[names.indices.to_numpy()]
        epochs = batch.column("time_us").to_numpy() / 1e6
        measures = np.array([batch.column(name).to_numpy() for name in MEASURES], np.float32)
        speeds, volumes = (measures[MEASURES.index(name)] for name in ("speed_kmh", "volume_vph"))
        good = (places != UNKNOWN) & (epochs >= bounds[0]) & (epochs <= bounds[1])
        good &= ~(measures < 0).any(axis=0) & ~(np.isnan(speeds) & np.isnan(volumes))
        good[good] = ~implausible(measures[:, good], self.kinds[places[good]], self.lanes[places[good]])
        return Readings(
            self.ids[places[good]],
            epochs[good],
            speeds[good].astype(float),
            volumes[good].astype(float),
            [name for name, place in zip(names.dictionary.to_pylist(), told, strict=True) if place == UNKNOWN],
        )
