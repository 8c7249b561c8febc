"""The faults: what kinds there are, the order in which a seed has them, and how each is brought about.

Two of the same server or process never overlap; others do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from bench.chaos.child import Child
from bench.chaos.disk import Disk
from bench.chaos.proxy import Proxy
from bench.chaos.site import Site

LONGEST_SECONDS: Final = 14.0  # a consumer's session is over after 10
APART_SECONDS: Final = (1.0, 3.0)
DELAY_SECONDS: Final = (0.02, 0.3)

NETWORK: Final = ("cut", "half-open", "silence", "latency", "drip")
#: How often each comes; what stops everything comes less often than what stops one process.
WEIGHTS: Final = {
    "kill ingest": 4,
    "pause ingest": 3,
    "rebalance": 2,
    **dict.fromkeys(NETWORK, 2),
    "kill postgres": 1,
    "pause postgres": 1,
    "fill postgres disk": 1,
    "kill kafka": 1,
    "pause kafka": 1,
    "fill kafka disk": 1,
}
#: The longest of each, where that is less than LONGEST_SECONDS.
AT_MOST: Final = {
    "kill ingest": 3.0,
    "kill kafka": 2.0,
    "kill postgres": 3.0,
    "fill kafka disk": 4.0,
    "pause kafka": 8.0,
}


@dataclass(frozen=True)
class Fault:
    """One of the sequence: `after_s` the one before, for `seconds`; `place` picks whose, `strength` how bad."""

    kind: str
    after_s: float
    seconds: float
    place: int
    strength: float


@dataclass(frozen=True)
class Pace:
    """How far apart faults are, and how long one may last."""

    apart_s: tuple[float, float] = APART_SECONDS
    longest_s: float = LONGEST_SECONDS


def plan(seed: int, count: int, kinds: list[str], pace: Pace) -> list[Fault]:
    """The sequence that `seed` stands for: every kind once before any comes again."""
    chance = Random(seed)
    order = chance.sample(kinds, len(kinds))
    order += chance.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=max(0, count - len(kinds)))
    return [_fault(chance, kind, pace) for kind in order[:count]]


def possible(site: Site) -> tuple[list[str], list[str]]:
    """The kinds that can be had here; and of the others, why not."""
    left_out = {}
    if site.postgres is None:
        for kind in ("kill postgres", "pause postgres", "fill postgres disk"):
            left_out[kind] = "the database server is yours"
    for kind, disk in (("fill postgres disk", site.postgres_disk), ("fill kafka disk", site.kafka_disk)):
        if disk is not None and not disk.mounted:
            left_out[kind] = "this user may not mount a small disk"
    return [kind for kind in WEIGHTS if kind not in left_out], [f"{kind}: {why}" for kind, why in left_out.items()]


async def inject(site: Site, faults: list[Fault], tally: Counter[str]) -> None:
    """Bring all of them about, and return once the last is over; `tally` counts those that happened."""
    async with asyncio.TaskGroup() as group:
        for fault in faults:
            await asyncio.sleep(fault.after_s)
            group.create_task(_happen(site, fault, tally))


async def _happen(site: Site, fault: Fault, tally: Counter[str]) -> None:
    name, child, begin = _aim(site, fault)
    async with site.locks[name]:
        if child is not None and not await child.up():
            return
        with begin():
            tally[fault.kind] += 1
            with (site.folder / "faults.log").open("a") as log:
                log.write(f"{sum(tally.values())} {fault.kind} of {name} for {fault.seconds:.1f} s\n")
            await asyncio.sleep(fault.seconds)


Aim = tuple[str, Child | None, Callable[[], AbstractContextManager[None]]]


def _aim(site: Site, fault: Fault) -> Aim:
    """Whom it befalls, the process that has to run for it, and what begins it."""
    which, slot_number = divmod(fault.place, len(site.slots))
    slot = site.slots[slot_number]
    if fault.kind in NETWORK:
        whom, proxy = [("kafka", slot.to_kafka), ("postgres", slot.to_postgres)][which % 2]
        return f"{slot.ingest.name} to {whom}", None, lambda: _bad(proxy, fault)
    if fault.kind == "rebalance":
        spare = site.spares[which % len(site.spares)].ingest
        return spare.name, None, lambda: _joining(spare)
    action, server, *_ = fault.kind.split()
    if action == "fill":
        disk = {"kafka": site.kafka_disk, "postgres": site.postgres_disk}[server]
        return server, None, lambda: _full(disk)
    child = {"ingest": slot.ingest, "kafka": site.kafka, "postgres": site.postgres}[server]
    assert child is not None  # noqa: S101
    name = child.name if server == "ingest" else server
    return name, child, child.killed if action == "kill" else child.paused


def _bad(proxy: Proxy, fault: Fault) -> AbstractContextManager[None]:
    match fault.kind:
        case "cut":
            return proxy.cut()
        case "half-open":
            return proxy.half_open()
        case "silence":
            return proxy.silent()
        case "latency":
            low, high = DELAY_SECONDS
            return proxy.slow(low + (high - low) * fault.strength)
    return proxy.dripping()


def _full(disk: Disk | None) -> AbstractContextManager[None]:
    assert disk is not None  # noqa: S101
    return disk.full()


@contextmanager
def _joining(spare: Child) -> Iterator[None]:
    """Another ingest process, which leaves again."""
    spare.wanted = True
    try:
        yield
    finally:
        spare.ask_to_stop()


def _fault(chance: Random, kind: str, pace: Pace) -> Fault:
    longest = min(pace.longest_s, AT_MOST.get(kind, LONGEST_SECONDS))
    seconds = chance.uniform(min(1.0, longest / 2), longest)
    return Fault(kind, chance.uniform(*pace.apart_s), seconds, chance.randrange(1 << 16), chance.random())
