"""The simulated city behaves like one, and always the same."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.simulator import network
from ingest.sources.simulator.day import BEGIN_S, DAY_S
from ingest.sources.simulator.demand import NEW_YORK
from ingest.sources.simulator.model import Simulator
from schema.events import Event, Incident, decode, encode

TUESDAY = datetime(2026, 3, 3, 5, tzinfo=UTC)  # midnight in New York
SUNDAY = TUESDAY - timedelta(days=2)
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=0)
)


@pytest.fixture(scope="module")
def city() -> Simulator:
    return Simulator(seed=1)


@pytest.fixture(scope="module")
def larger_city() -> Simulator:
    return Simulator(seed=1, count=2_000)


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


@settings(max_examples=6, deadline=None)
@given(time=times)
def test_a_time_always_has_the_same_readings_wherever_the_simulator_started(time: datetime) -> None:
    fresh, used = Simulator(seed=7), Simulator(seed=7)
    used.readings(time - timedelta(hours=1))
    assert fresh.readings(time) == used.readings(time)
    assert fresh.readings(time) != Simulator(seed=8).readings(time)


@settings(max_examples=10, deadline=None)
@given(time=times, turn=st.integers(0, 6), turns=st.integers(1, 7))
def test_the_sensors_whose_turn_it_is_say_what_they_say_when_all_are_asked(
    larger_city: Simulator, time: datetime, turn: int, turns: int
) -> None:
    everyone = {reading.sensor: reading for reading in larger_city.readings(time)}
    for reading in larger_city.observe(time, slice(turn, None, turns)).readings():
        assert everyone[reading.sensor] == reading


def test_the_days_of_traffic_meet_without_a_jump(city: Simulator) -> None:
    seam = datetime.fromtimestamp(21_000 * DAY_S + BEGIN_S, UTC)
    before, after = (city.truth(seam + timedelta(milliseconds=by)).undisturbed.speed_kmh for by in (-1, 0))
    assert after == pytest.approx(before, rel=0.005)


@settings(max_examples=10, deadline=None)
@given(time=times)
def test_all_that_is_simulated_is_a_valid_event(time: datetime) -> None:
    city = Simulator(seed=3)
    events: list[Event] = [*city.sensors, *city.readings(time), city.weather(time)]
    events += city.incident_events(time - timedelta(days=1), time)
    assert all(decode(type(event), encode(event)) == event for event in events)


def test_rush_hour_is_slower_than_night_and_than_the_same_hour_on_sunday(city: Simulator) -> None:
    night, rush = mean_ratio(city, TUESDAY + timedelta(hours=3)), mean_ratio(city, TUESDAY + timedelta(hours=8.5))
    assert rush < 0.8 * night
    assert rush < 0.8 * mean_ratio(city, SUNDAY + timedelta(hours=8.5))


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


def test_an_incident_builds_up_a_queue_that_drains_after_it_is_cleared(city: Simulator) -> None:
    """The worst that blocks one lane of a long link in two working days, against the undisturbed speed."""
    events = city.incident_events(TUESDAY + timedelta(hours=10), TUESDAY + timedelta(hours=42))
    lengths = {link.external_id: link.length_m for link in city.links}
    blocking_one = [event for event in events if (event.status, event.lanes_blocked) == ("cleared", 1)]
    cleared = [event for event in blocking_one if lengths[event.sensors[0]] > 2_000]
    worst = max(cleared, key=lambda event: loss_at(city, event, event.time))
    losses = [loss_at(city, worst, worst.started_at + timedelta(minutes=minute)) for minute in (-1, 1, 5)]
    assert losses == sorted(losses)
    assert losses[0] < 0.1 < losses[-1]
    assert losses[1] < 0.9 * loss_at(city, worst, worst.time)
    assert loss_at(city, worst, worst.time + timedelta(minutes=2)) > 0.1
    assert loss_at(city, worst, worst.time + timedelta(hours=4)) < 0.2 * loss_at(city, worst, worst.time)


def loss_at(city: Simulator, event: Incident, time: datetime) -> float:
    """Share of the undisturbed speed that a sensor without noise would miss on the incident's link."""
    seen = city.truth(time)
    at = seen.sensors.tolist().index(event.sensors[0])
    return 1 - float(seen.happened.speed_kmh[at] / seen.undisturbed.speed_kmh[at])


def test_incidents_happen_where_and_when_there_is_traffic(city: Simulator) -> None:
    events = [e for e in city.incident_events(TUESDAY, TUESDAY + timedelta(days=60)) if e.status == "reported"]
    hours = Counter(event.started_at.astimezone(NEW_YORK).hour for event in events)
    assert sum(hours[hour] for hour in range(7, 20)) > 4 * sum(hours[hour] for hour in range(5))
    assert sum(hours[hour] for hour in range(5)) > 0


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
