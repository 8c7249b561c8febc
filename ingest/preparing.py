"""What is done with a decoded batch before it is stored: its rows in order, flagged and encoded."""

from dataclasses import dataclass

import numpy as np

from ingest.batch import Batch
from ingest.flags import Rules, flag, in_doubt, in_key_order
from ingest.latest import Newest
from ingest.readings import Integers
from ingest.registry import Registry
from ingest.writer import Refused, Rows, Transaction


@dataclass(frozen=True)
class Prepared:
    """A ready batch: `alone` if it must not be stored beside another, `in_doubt` as in `flags.py`."""

    batch: Batch
    transaction: Transaction
    newest: Newest
    in_doubt: Integers
    alone: bool


def prepare(batch: Batch, registry: Registry, rules: Rules, now: int) -> Prepared:
    """Ready a batch whose sensors are loaded; `registry` then knows it. `now` is in microseconds since 1970."""
    readings = in_key_order(batch.readings, registry)
    doubted = in_doubt(readings, registry)
    flags = flag(readings, registry, rules, now)
    rows = Rows(readings, registry.state["id"][readings.sensors], flags)
    return Prepared(
        batch=batch,
        transaction=Transaction.of(batch, rows, batch.messages),
        newest=Newest.of(readings, flags, registry),
        in_doubt=doubted,
        alone=not registry.see(readings) or bool(batch.messages),
    )


def doubts(prepared: Prepared, refused: list[Refused], registry: Registry) -> tuple[Newest, Integers]:
    """What a stored batch makes the newest of its sensors, and those of which only the database tells."""
    newest, places = prepared.newest, [prepared.in_doubt]
    for one in refused:
        newest = newest.without(one.readings)
        places.append(registry.disbelieve(one.readings))
    return newest, np.unique(np.concatenate(places))
