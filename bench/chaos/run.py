"""`urbanclear bench chaos`: hundreds of faults under a steady load, and then the proof that all of it is stored.

servers and ingest ─► load and faults at once ─► all is well again, ingest catches up ─► what Kafka holds against
                                                                                         what the database holds
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from psycopg import AsyncConnection

from bench.chaos.faults import Pace, inject, plan, possible
from bench.chaos.ledger import Account, Findings
from bench.chaos.load import Load
from bench.chaos.messages import Script
from bench.chaos.site import GROUP, Site, running_site
from bench.chaos.stored import compare_aggregates, compare_readings
from bench.chaos.topic import letters, messages, settled
from schema.engines import engine_of
from schema.retention import Retention
from urbanclear.settings import Settings

PAST: Final = timedelta(days=2)  # how far back the readings begin
CHECK_SECONDS: Final = 0.2
LOG_LINES: Final = 15

Say = Callable[[str, Counter[str]], None]


@dataclass(frozen=True)
class Options:
    """What is asked for; `rate` in readings a second."""

    faults: int = 200
    seed: int = 1
    rate: float = 3_000
    ingests: int = 3
    pace: Pace = field(default_factory=Pace)
    patience_s: float = 120.0  # with an ingest that does not get on
    keep: bool = False


@dataclass
class Verdict:
    """What came of it."""

    faults: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    stored: int = 0
    rejected: int = 0
    findings: Findings = field(default_factory=Findings)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The last line."""
        return (
            f"faults={self.faults.total()} accepted={self.accepted} stored={self.stored} rejected={self.rejected} "
            f"lost={self.findings.lost} repeated={self.findings.repeated}"
        )


async def chaos(folder: Path, settings: Settings, options: Options, say: Say) -> Verdict:
    """Have the faults happen in `folder`, with `say` told how far it is; returns what was found."""
    with _client_log(folder / "kafka-client.log"):
        return await _within(folder, settings.keeping_forever(), options, say)


async def _within(folder: Path, settings: Settings, options: Options, say: Say) -> Verdict:
    verdict = Verdict()
    say("starting", verdict.faults)
    async with running_site(folder, settings, options.ingests, options.keep) as site:
        script = Script(options.seed, datetime.now(UTC) - PAST, settings.kafka_partitions)
        load = Load(script, site.bootstrap, options.rate)
        kinds, verdict.left_out = possible(site)
        async with _under(load), _told(say, verdict.faults):
            await inject(site, plan(options.seed, options.faults, kinds, options.pace), verdict.faults)
        say("waiting for ingest", verdict.faults)
        await _recover(site, options, verdict)
        say("comparing", verdict.faults)
        await _compare(site, Account(script, load.ledger, verdict.findings), verdict)
    return verdict


@contextmanager
def _client_log(file: Path) -> Iterator[None]:
    """What the Kafka client says of a broker that is killed time and again goes into a file."""
    client, handler = logging.getLogger("aiokafka"), logging.FileHandler(file)
    client.addHandler(handler)
    client.propagate = False
    try:
        yield
    finally:
        client.propagate = True
        client.removeHandler(handler)
        handler.close()


@asynccontextmanager
async def _under(load: Load) -> AsyncIterator[None]:
    """The load runs meanwhile; on leaving, what was sent is waited for."""
    stop = asyncio.Event()
    running = asyncio.create_task(load.run(stop))
    try:
        yield
        stop.set()
        await running
    finally:
        running.cancel()


@asynccontextmanager
async def _told(say: Say, tally: Counter[str]) -> AsyncIterator[None]:
    async def tell() -> None:
        while True:
            say("faults", tally)
            await asyncio.sleep(CHECK_SECONDS)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()


async def _recover(site: Site, options: Options, verdict: Verdict) -> None:
    """Wait until ingest has caught up, and stop it, so that nothing changes any more."""
    left = await settled(site.bootstrap, GROUP, options.patience_s)
    if left:
        lag = ", ".join(f"{count} in partition {place.partition}" for place, count in sorted(left.items()))
        verdict.notes.append(f"ingest has not moved for {options.patience_s:.0f} s, messages left: {lag}")
    await site.stop_ingest()
    ends = Counter(end for child in site.children for end in child.ends)
    verdict.notes += [f"{count} times: {end}" for end, count in ends.items()]


async def _compare(site: Site, account: Account, verdict: Verdict) -> None:
    delivered = [found async for found in messages(site.bootstrap)]
    findings = verdict.findings
    async with await AsyncConnection.connect(site.database_url, autocommit=True) as connection:
        verdict.accepted, verdict.stored = await compare_readings(connection, account.take(delivered), findings)
        account.close()
        account.compare([letter async for letter in letters(site.bootstrap)])
        verdict.rejected = len(account.rejected)
        await engine_of(site.database_url).catch_up(connection, Retention())
        await compare_aggregates(connection, findings)
    if findings:
        tails = [slot.ingest.process for slot in [*site.slots, *site.spares]]
        verdict.notes += [f"{one.log} closes with:\n  {one.last_words(LOG_LINES)}" for one in tails]
