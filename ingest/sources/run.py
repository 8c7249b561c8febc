"""Runs a source against Kafka until it is done or told to stop, and says how far it has come."""

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import Gauge

from ingest.sources.live.feed import Feed
from ingest.sources.live.source import LiveSource, open_source
from ingest.sources.mqtt.source import MqttSource
from ingest.sources.progress import last_published, published
from ingest.sources.replay.source import ReplaySource
from ingest.sources.simulator import network
from ingest.sources.simulator.incidents import INCIDENT_PREFIX
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.scenarios.scenario import settle
from ingest.sources.simulator.source import SimulatorOptions, SimulatorSource, resumed_from
from ingest.sources.simulator.truth import open_truth
from schema import topics
from schema.events import Incident
from schema.publisher import Publisher, open_publisher
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("source")

PROGRESS: Final = Gauge(
    "urbanclear_ingest_source_progress_ratio", "Share of the simulator's history, or of the replayed file, published"
)


async def run_simulator(bootstrap: str, options: SimulatorOptions, stop: asyncio.Event) -> None:
    """The simulator, going on where Kafka, and the truth where it is written, say that it stopped."""
    start_after, still_open = await last_published(bootstrap, network.PREFIX), await _open_incidents(bootstrap)
    scenarios = settle(options.scenarios, network.load(), datetime.now(UTC), still_open)
    for scenario in scenarios:
        log.info("scenario.settled", scenario=scenario.name, start=scenario.start.isoformat())
    city = Simulator(options.seed, options.sensors, scenarios)
    with nullcontext() if options.truth is None else open_truth(options.truth) as truth:
        feed = SimulatorSource(
            city,
            options,
            start_after=resumed_from(start_after, truth),
            open_incidents=still_open,
            truth=truth,
            progress=PROGRESS.set,
        )
        await _run(bootstrap, feed, stop)


async def _open_incidents(bootstrap: str) -> list[Incident]:
    """Those of the simulator that Kafka does not say to be cleared, as last told."""
    found = published(bootstrap, topics.INCIDENTS, INCIDENT_PREFIX)
    newest = {event.id: event async for event in found if isinstance(event, Incident)}
    return [event for event in newest.values() if event.status != "cleared"]


async def run_replay(bootstrap: str, feed: ReplaySource, stop: asyncio.Event) -> None:
    """A replay, to its end."""
    await _run(bootstrap, feed, stop)


async def run_live(
    bootstrap: str, feed: Feed, settings: Settings, stop: asyncio.Event, *, url: str | None, every: timedelta | None
) -> None:
    """A live feed, going on where Kafka says it stopped, until told to stop."""
    show_replayed(0, 0)  # there is no past to fill in
    async with open_source(feed, settings, bootstrap, url=url, every=every) as polling:
        await _run(bootstrap, polling, stop)


async def run_mqtt(bootstrap: str, feed: MqttSource, stop: asyncio.Event) -> None:
    """What an MQTT broker has, until told to stop."""
    show_replayed(0, 0)  # there is no past to fill in
    await _run(bootstrap, feed, stop)


def show_replayed(done: int, total: int) -> None:
    """Say how many readings of how many are published."""
    PROGRESS.set(done / total if total else 1.0)


async def _run(
    bootstrap: str, feed: SimulatorSource | ReplaySource | LiveSource | MqttSource, stop: asyncio.Event
) -> None:
    async with open_publisher(bootstrap) as publisher:
        try:
            await feed.run(publisher, stop)
        finally:
            _tell(publisher)


def _tell(publisher: Publisher) -> None:
    log.info("source.ended", published=dict(publisher.published), refused=dict(publisher.refused))
