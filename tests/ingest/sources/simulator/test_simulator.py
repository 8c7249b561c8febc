"""The simulated city behaves like one, and always the same."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.progress import last_published
from ingest.sources.simulator import network
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.source import SimulatorOptions, SimulatorSource
from schema.events import Event, Reading, decode, encode
from schema.publisher import open_publisher
from tests.kafka_content import read_all
from tests.waiting import until

TUESDAY = datetime(2026, 3, 3, 5, tzinfo=UTC)  # midnight in New York
SUNDAY = TUESDAY - timedelta(days=2)
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=0)
)


@pytest.fixture(scope="module")
def city() -> Simulator:
    return Simulator(seed=1)


def mean_ratio(city: Simulator, time: datetime) -> float:
    free_flow = {sensor.external_id: sensor.free_flow_speed_kmh or 0 for sensor in city.sensors}
    return mean((reading.speed_kmh or 0) / free_flow[reading.sensor] for reading in city.readings(time))


def test_the_network_has_at_least_150_differently_named_links_in_and_around_new_york(city: Simulator) -> None:
    assert len(city.sensors) >= 150
    assert max(Counter(sensor.name for sensor in city.sensors).values()) == 1
    assert all(40.48 < (s.lat or 0) < 40.93 and -74.28 < (s.lon or 0) < -73.68 for s in city.sensors)
    assert all(30 <= (s.free_flow_speed_kmh or 0) <= 90 for s in city.sensors)


def test_the_ends_of_links_meet_so_that_every_place_can_be_driven_to_from_every_other() -> None:
    links = network.load()
    there: dict[str, set[str]] = {}
    for link in links:
        there.setdefault(link.start, set()).add(link.end)
    places = set(there)
    for start in list(places)[:5]:
        assert set(_reached(start, there)) == places


def _reached(start: str, there: dict[str, set[str]]) -> Iterator[str]:
    seen, waiting = {start}, [start]
    while waiting:
        place = waiting.pop()
        yield place
        for following in there.get(place, set()) - seen:
            seen.add(following)
            waiting.append(following)


def test_a_link_is_as_long_as_the_line_that_is_drawn_for_it() -> None:
    for link in network.load():
        assert link.length_m >= network.distance_m(link.shape[0], link.shape[-1]) - 0.1
        assert 100 < link.length_m < 15_000


@settings(max_examples=10, deadline=None)
@given(time=times)
def test_a_time_always_has_the_same_readings_wherever_the_simulator_started(time: datetime) -> None:
    fresh, used = Simulator(seed=7), Simulator(seed=7)
    used.readings(time - timedelta(hours=1))
    assert fresh.readings(time) == used.readings(time)
    assert fresh.readings(time) != Simulator(seed=8).readings(time)


@settings(max_examples=20, deadline=None)
@given(time=times)
def test_all_that_is_simulated_is_a_valid_event(time: datetime) -> None:
    city = Simulator(seed=3)
    events: list[Event] = [*city.sensors, *city.readings(time), city.weather(time)]
    events += city.incident_events(time - timedelta(days=1), time)
    assert all(decode(type(event), encode(event)) == event for event in events)


def test_rush_hour_is_slower_than_night_and_than_the_same_hour_on_sunday(city: Simulator) -> None:
    night, rush = mean_ratio(city, TUESDAY + timedelta(hours=3)), mean_ratio(city, TUESDAY + timedelta(hours=17.5))
    assert rush < 0.8 * night
    assert rush < mean_ratio(city, SUNDAY + timedelta(hours=17.5))


def test_every_incident_reported_is_cleared_later_exactly_once(city: Simulator) -> None:
    events = city.incident_events(TUESDAY, TUESDAY + timedelta(days=2))
    told = {event.id for event in events if event.status == "reported" and event.time < TUESDAY + timedelta(days=1)}
    assert len(told) > 10
    cleared = Counter(event.id for event in events if event.status == "cleared")
    assert all(cleared[name] == 1 for name in told)
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_a_blocked_link_slows_down_and_later_the_links_that_lead_to_it(city: Simulator) -> None:
    """Over the blocking incidents of two working days: during each, against the same second a week later."""
    events = city.incident_events(TUESDAY + timedelta(hours=12), TUESDAY + timedelta(hours=42))
    blocking = [e for e in events if e.status == "updated" and (e.lanes_blocked or 0) >= 2]
    ids = {link.external_id: number for number, link in enumerate(city.links)}
    after = network.downstream(city.links)
    own, upstream = [], []
    for event in blocking:
        blocked = ids[event.sensors[0]]
        with_incident, without = (dict(_speeds(city, time)) for time in (event.time, event.time + timedelta(days=7)))
        own.append(_change(with_incident, without, [blocked], city))
        upstream.append(_change(with_incident, without, [n for n in range(len(after)) if blocked in after[n]], city))
    assert len(blocking) >= 5
    assert mean(own) < 0.6
    assert mean(upstream) < 0.9


def _speeds(city: Simulator, time: datetime) -> Iterator[tuple[str, float]]:
    return ((reading.sensor, reading.speed_kmh or 0) for reading in city.readings(time))


def _change(now: dict[str, float], then: dict[str, float], links: list[int], city: Simulator) -> float:
    names = [name for name in (city.links[n].external_id for n in links) if name in now and name in then]
    return mean(now[name] for name in names) / mean(then[name] for name in names) if names else 1.0


def test_wet_hours_are_slower_than_dry_ones(city: Simulator) -> None:
    """The same hour of the night, when nothing but the weather is in the way."""
    nights = [TUESDAY + timedelta(days=day, hours=3) for day in range(120)]
    wet = [night for night in nights if (city.weather(night).precipitation_mm or 0) > 1]
    dry = [night for night in nights if not city.weather(night).precipitation_mm]
    assert 3 <= len(wet) < len(dry)
    assert mean(mean_ratio(city, t) for t in wet[:5]) < 0.97 * mean(mean_ratio(city, t) for t in dry[:5])


def test_sensors_fail_and_recover(city: Simulator) -> None:
    hours = [{r.sensor for r in city.readings(TUESDAY + timedelta(hours=hour))} for hour in range(0, 48, 2)]
    everyone = {sensor.external_id for sensor in city.sensors}
    fell_silent = everyone - set[str].intersection(*hours)
    assert fell_silent
    assert set[str].union(*hours) == everyone
    assert all(len(reporting) > 0.9 * len(everyone) for reporting in hours)


async def test_history_and_present_reach_kafka_and_a_restart_goes_on_where_it_stopped(kafka_bootstrap: str) -> None:
    options = SimulatorOptions(history=timedelta(hours=2), interval=timedelta(seconds=2))
    began = datetime.now(UTC)
    first = await _published_until_live(kafka_bootstrap, options, None)
    newest = await last_published(kafka_bootstrap, network.PREFIX)
    assert newest is not None
    assert newest >= began - timedelta(seconds=2)
    assert min(reading.time for reading in first) <= began - options.history + options.history_interval
    assert max(reading.time for reading in first) <= datetime.now(UTC)
    both = await _published_until_live(kafka_bootstrap, options, newest)
    times_told = Counter((reading.sensor, reading.time) for reading in both)
    assert all(time == newest for (_, time), count in times_told.items() if count > 1)
    seconds = sorted({time for _, time in times_told if time > began})
    assert all(later - earlier == timedelta(seconds=1) for earlier, later in pairwise(seconds))


async def _published_until_live(bootstrap: str, options: SimulatorOptions, since: datetime | None) -> list[Reading]:
    """Run the source until it has published something of the present; returns all readings in Kafka."""
    stop, began = asyncio.Event(), datetime.now(UTC)
    async with open_publisher(bootstrap) as publisher:
        running = asyncio.create_task(SimulatorSource(options, start_after=since).run(publisher, stop))

        async def live() -> bool:
            newest = await last_published(bootstrap, network.PREFIX)
            return newest is not None and newest > began

        await until(live)
        stop.set()
        async with asyncio.timeout(2):
            await running
    return await read_all(bootstrap, Reading)
