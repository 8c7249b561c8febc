"""The simulator publishes past and present into real Kafka, goes on after a stop, and tells the end of all."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from ingest.sources.progress import last_published
from ingest.sources.run import run_simulator
from ingest.sources.simulator import network
from ingest.sources.simulator.model import SPEED_NOISE, Simulator
from ingest.sources.simulator.source import SimulatorOptions, SimulatorSource
from schema.events import Incident, Reading, Sensor
from schema.publisher import open_publisher
from tests.kafka_content import read_all
from tests.waiting import until
from urbanclear.errors import ConfigurationError

NONE = timedelta(0)
SECOND = timedelta(seconds=1)


async def run_until_live(bootstrap: str, options: SimulatorOptions) -> list[Reading]:
    """Run the source until it has published something of the present; returns all readings in Kafka."""
    stop, began = asyncio.Event(), datetime.now(UTC)
    running = asyncio.create_task(run_simulator(bootstrap, options, stop))

    async def live() -> bool:
        if running.done():
            await running
        newest = await last_published(bootstrap, network.PREFIX)
        return newest is not None and newest > began

    await until(live)
    stop.set()
    async with asyncio.timeout(2):
        await running
    return await read_all(bootstrap, Reading)


async def test_history_and_present_reach_kafka_and_a_restart_goes_on_where_it_stopped(kafka_bootstrap: str) -> None:
    options = SimulatorOptions(history=timedelta(hours=2), interval=timedelta(seconds=2))
    began = datetime.now(UTC)
    first = await run_until_live(kafka_bootstrap, options)
    newest = await last_published(kafka_bootstrap, network.PREFIX)
    assert newest is not None
    assert newest >= began - timedelta(seconds=2)
    assert min(reading.time for reading in first) <= began - options.history + options.history_interval
    assert max(reading.time for reading in first) <= datetime.now(UTC)
    both = await run_until_live(kafka_bootstrap, options)
    times_told = Counter((reading.sensor, reading.time) for reading in both)
    assert all(time == newest for (_, time), count in times_told.items() if count > 1)
    seconds = sorted({time for _, time in times_told if time > began})
    assert all(later - earlier == SECOND for earlier, later in pairwise(seconds))


async def test_a_reading_of_the_history_is_as_exact_as_the_mean_of_what_is_sent_live_in_five_minutes(
    kafka_bootstrap: str,
) -> None:
    city, step = Simulator(1, 40), SimulatorOptions().history_interval.total_seconds()
    readings = await run_until_live(kafka_bootstrap, SimulatorOptions(sensors=40, history=timedelta(hours=6)))
    off = []
    for moment in {reading.time for reading in readings if reading.time.timestamp() % step == 0}:
        truth = city.truth(moment)
        happened = np.where(truth.stuck, np.nan, truth.happened.speed_kmh).tolist()
        speeds = dict(zip(truth.sensors.tolist(), happened, strict=True))
        told = [one for one in readings if one.time == moment and one.speed_kmh]
        off += [(one.speed_kmh - speeds[one.sensor]) / exactness_kmh(speeds[one.sensor]) for one in told]
    assert np.nanstd(off) == pytest.approx(1, rel=0.1)


def exactness_kmh(speed_kmh: float) -> float:
    """The standard deviation of the mean of thirty readings of it, which is rounded to 0.1 km/h."""
    return math.hypot(speed_kmh * SPEED_NOISE / math.sqrt(30), 0.1 / math.sqrt(12))


async def test_every_sensor_reports_once_an_interval_even_of_half_a_second(kafka_bootstrap: str) -> None:
    options = SimulatorOptions(sensors=40, history=NONE, interval=timedelta(seconds=0.5))
    readings = await run_until_live(kafka_bootstrap, options)
    by_sensor: dict[str, list[datetime]] = {}
    for reading in readings:
        by_sensor.setdefault(reading.sensor, []).append(reading.time)
    half = timedelta(seconds=0.5)
    gaps = [later - earlier for times in by_sensor.values() for earlier, later in pairwise(sorted(times))]
    assert {gap % half for gap in gaps} == {timedelta(0)}
    assert sum(gap == half for gap in gaps) > 0.95 * len(gaps)  # a sensor may miss one before it fails
    assert len(by_sensor) > 35


async def test_what_reaches_kafka_is_what_the_truth_says_even_across_a_restart(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    options = SimulatorOptions(sensors=600, history=timedelta(minutes=20), truth=tmp_path / "truth")
    await run_until_live(kafka_bootstrap, options)
    readings = await run_until_live(kafka_bootstrap, options)
    truth = pd.read_parquet(tmp_path / "truth")
    spoke = truth[truth.failing != "silent"]
    told = {(reading.sensor, reading.time, reading.speed_kmh) for reading in readings}
    assert told == set(zip(spoke.sensor, spoke.time, spoke.speed_kmh, strict=True))


async def test_an_incident_that_ended_while_the_source_was_stopped_is_told_to_be_cleared(
    kafka_bootstrap: str,
) -> None:
    now = datetime.now(UTC)
    long_ago = Simulator(1).incident_events(now - timedelta(days=5), now - timedelta(days=4))
    [ended, *_] = [event for event in long_ago if event.status == "reported"]
    stranger = msgspec.structs.replace(ended, id="nyc-sim-7-1-1")
    async with open_publisher(kafka_bootstrap) as publisher:
        await publisher.publish(ended)
        await publisher.publish(stranger)
    await run_until_live(kafka_bootstrap, SimulatorOptions(history=timedelta(hours=1)))
    told = await read_all(kafka_bootstrap, Incident)
    [end] = [event for event in told if (event.id, event.status) == (ended.id, "cleared")]
    assert end in Simulator(1).incident_events(ended.started_at, now)
    [end] = [event for event in told if (event.id, event.status) == (stranger.id, "cleared")]
    assert end.time >= now - timedelta(hours=1)


async def test_a_scenario_is_announced_and_goes_on_after_a_restart(kafka_bootstrap: str, tmp_path: Path) -> None:
    file = tmp_path / "closure.toml"
    text = 'title = "Closed"\nstart = "+0s"\nlasts = "1h"\n[announce]\n[[effects]]\nroads = ["Canal Street"]\n'
    file.write_text(text + "capacity_left = 0.1\n")
    options = SimulatorOptions(history=NONE, scenarios=(str(file),))
    for _ in range(2):
        await run_until_live(kafka_bootstrap, options)
    told = [event for event in await read_all(kafka_bootstrap, Incident) if "scenario" in event.id]
    assert {(event.id, event.status) for event in told} == {(told[0].id, "reported")}
    assert told[0].road == "Canal Street"


async def test_five_thousand_readings_a_second_take_less_than_a_fifth_of_a_core(kafka_bootstrap: str) -> None:
    """All of the source's work for a time of its own, as fast as it can: 50,000 sensors every 10 seconds."""
    start, seconds = datetime(2026, 3, 4, 14, tzinfo=UTC), 20
    options = SimulatorOptions(sensors=50_000, history=NONE)
    city = Simulator(1, options.sensors)
    city.readings(start)
    described, city.sensors = city.sensors, []
    stop, clock = asyncio.Event(), stopping_clock(start, seconds)
    async with open_publisher(kafka_bootstrap) as publisher:
        source = SimulatorSource(city, options, start_after=start, clock=lambda: clock(stop))
        began = time.process_time()
        await source.run(publisher, stop)
        spent = time.process_time() - began
        assert publisher.published["traffic.readings"] > 0.97 * len(described) * seconds / 10
    assert spent < 0.2 * seconds


def stopping_clock(start: datetime, seconds: int) -> Callable[[asyncio.Event], datetime]:
    """A clock that is at the end at once when it is asked again, and calls for a stop when its time is over."""
    asked = Counter[str]()

    def clock(stop: asyncio.Event) -> datetime:
        asked["times"] += 1
        if asked["times"] > seconds + 4:
            stop.set()
        return start + (timedelta(seconds=seconds) if asked["times"] > 2 else NONE)

    return clock


async def test_all_sensors_are_described(kafka_bootstrap: str) -> None:
    await run_until_live(kafka_bootstrap, SimulatorOptions(sensors=700, history=NONE))
    assert await read_all(kafka_bootstrap, Sensor) == Simulator(1, 700).sensors


@pytest.mark.parametrize("seconds", [0.0, 0.33])
def test_an_interval_that_cannot_be_is_one_clear_sentence(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=r"say --interval 10s, 1s or 0\.5s"):
        SimulatorOptions(interval=timedelta(seconds=seconds))
