"""Ways over small random networks are those that trying everything finds; who leaves later never arrives earlier."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.resources.routes.search import MOST_OVERLAP, MOST_STRETCH, Search, Stretch
from api.resources.routes.speeds import LEAST_KMH, Known, Piece, Speed, crossed_at, quickest, slowest
from schema.roads.lines import Position
from schema.roads.network import Network, Snap
from tests.schema.roads.links import KM, link_between

STEP_S = 60
PLACES: list[Position] = [(0, 0), (KM, 0.6 * KM), (2 * KM, 0), (3 * KM, 0.8 * KM), (4 * KM, 0)]
#: From each place to the next, so that there is a way; what is drawn besides makes others.
CHAIN = list(pairwise(range(len(PLACES))))

kmh = st.floats(0, 120, allow_nan=False)
#: Of one link, minute by minute; the last one goes on.
speeds = st.lists(kmh, min_size=1, max_size=6)
place = st.integers(0, len(PLACES) - 1)
pairs = st.lists(st.tuples(place, place).filter(lambda pair: pair[0] != pair[1]), max_size=6)
share = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@st.composite
def searches(draw: st.DrawFn) -> Search:
    ends = [*CHAIN, *draw(pairs)]
    links = [link_between(number, PLACES[a], PLACES[b]) for number, (a, b) in enumerate(ends)]
    network = Network([replace(link, length_m=link.length_m * draw(st.floats(0.2, 3))) for link in links])
    count = len(network.links)
    table = [draw(speeds) for _ in range(count)]
    number = st.integers(0, count - 1)

    def speed_at(link: int, time: float) -> Piece:
        minute = max(0, floor(time / STEP_S))
        speed = table[link][min(minute, len(table[link]) - 1)]
        until = (minute + 1) * STEP_S if minute < len(table[link]) - 1 else float("inf")
        return Piece(Speed(speed, "forecast", speed * 0.5, speed * 1.5), until)

    origin = Snap(draw(st.one_of(st.just(0), number)), draw(share), 0.0)
    goal = Snap(draw(st.one_of(st.just(len(CHAIN) - 1), number)), draw(share), 0.0)
    closed = draw(st.sets(number, max_size=1))
    return Search(network, speed_at, [origin], [goal], closed, draw(st.floats(0, 400)))


def all_ways(search: Search) -> Iterator[list[Stretch]]:
    """Every way that comes to no end of a link twice."""
    [origin], [goal] = search.origins, search.destinations
    if {origin.link, goal.link} & set(search.closed):
        return
    if origin.link == goal.link and origin.share <= goal.share:
        yield [Stretch(origin.link, origin.share, goal.share)]
    yield from _onward(search, goal, [Stretch(origin.link, origin.share, 1.0)])


def _onward(search: Search, goal: Snap, way: list[Stretch]) -> Iterator[list[Stretch]]:
    for link in search.network.turns[way[-1].link]:
        if link in search.closed:
            continue
        if link == goal.link:
            yield [*way, Stretch(link, 0.0, goal.share)]
        if Stretch(link, 0.0, 1.0) not in way:
            yield from _onward(search, goal, [*way, Stretch(link, 0.0, 1.0)])


@given(searches())
@settings(max_examples=300, deadline=None)
def test_the_first_way_is_the_fastest_of_all_that_there_are(search: Search) -> None:
    best = min((search.arrival(way) for way in all_ways(search)), default=None)
    found = search.ways(2)
    assert (best is None) == (not found)
    if best is not None:
        assert search.arrival(found[0]) == pytest.approx(best)


@given(searches())
@settings(max_examples=200, deadline=None)
def test_others_differ_from_one_another_and_are_not_much_slower(search: Search) -> None:
    found = search.ways(2)
    assert len(found) <= 3
    for number, way in enumerate(found):
        takes = search.arrival(way) - search.departs
        assert takes <= MOST_STRETCH * (search.arrival(found[0]) - search.departs)
        assert all(search.overlap(way, other) <= MOST_OVERLAP for other in found[:number])
        assert not {stretch.link for stretch in way} & set(search.closed)
        assert all(b.link in search.network.turns[a.link] for a, b in pairwise(way))


@given(searches(), st.floats(0, 300))
@settings(max_examples=200, deadline=None)
def test_who_leaves_later_never_arrives_earlier(search: Search, later: float) -> None:
    found = search.ways(0)
    after = Search(**{**vars(search), "departs": search.departs + later}).ways(0)
    if found:
        arrived = Search(**{**vars(search), "departs": search.departs + later}).arrival(after[0])
        assert arrived >= search.arrival(found[0]) - 1e-6


@given(searches())
@settings(max_examples=200, deadline=None)
def test_the_travel_time_lies_within_its_interval(search: Search) -> None:
    for way in search.ways(2):
        assert search.arrival(way, quickest) - 1e-6 <= search.arrival(way) <= search.arrival(way, slowest) + 1e-6


@given(speeds, st.floats(0, 400), st.floats(0, 3000))
def test_a_link_is_crossed_at_the_speeds_of_its_times(table: list[float], entered: float, length_m: float) -> None:
    def speed_at(_: int, time: float) -> Piece:
        minute = floor(time / STEP_S)
        return Piece(Speed(table[min(minute, len(table) - 1)], "forecast"), (minute + 1) * STEP_S)

    left = crossed_at(speed_at, 0, length_m, entered)
    driven, time = 0.0, entered
    while time < left:
        until = min(left, (floor(time / STEP_S) + 1) * STEP_S)
        driven += max(LEAST_KMH, table[min(floor(time / STEP_S), len(table) - 1)]) / 3.6 * (until - time)
        time = until
    assert driven == pytest.approx(length_m, abs=1e-3)


def test_a_speed_is_forecast_then_measured_then_normal_then_free() -> None:
    forecast, current = Speed(10, "forecast"), Speed(20, "current")
    normal, free = Speed(30, "profile"), Speed(40, "free_flow")
    known = Known(0.0, [(300.0, forecast), (1500.0, forecast)], current, {900: normal, 1800: normal}, free)
    found = [known.at(time) for time in (0, 299, 300, 899, 900, 1199, 1200, 1499, 1500, 1799, 1800, 2700)]
    assert [piece and piece.speed.basis for piece in found] == [
        *("forecast", "forecast", "current", "current", "profile", "profile"),
        *("forecast", "forecast", "profile", "profile", "profile", "free_flow"),
    ]
    assert all(piece and piece.until > time for piece, time in zip(found, (0, 299, 300), strict=False))
    assert not Known(0.0, normal={900: normal}).is_enough
