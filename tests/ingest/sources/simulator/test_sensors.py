"""Any number of sensors, each where and what it says, and the first of them always the same."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.simulator import network
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.sensors import MOST, watch
from schema.events import decode, encode
from urbanclear.errors import ConfigurationError

MORNING = datetime(2026, 3, 3, 13, tzinfo=UTC)
LINKS = network.load()


@pytest.mark.parametrize("count", [1, 10, 100, 300])
def test_fewer_sensors_than_links_are_a_connected_part_of_the_city(count: int) -> None:
    ends = {frozenset((LINKS[at].start, LINKS[at].end)) for at in watch(LINKS, count, 1).link.tolist()}
    reached = set(next(iter(ends)))
    while more := {place for pair in ends if pair & reached for place in pair} - reached:
        reached |= more
    assert reached == {place for pair in ends for place in pair}


@settings(max_examples=8, deadline=None)
@given(fewer=st.integers(1, 3_000), more=st.integers(1, 3_000))
def test_more_sensors_leave_those_before_them_as_they_are(fewer: int, more: int) -> None:
    few, many = Simulator(1, min(fewer, more)), Simulator(1, max(fewer, more))
    described = {sensor.external_id: sensor for sensor in many.sensors}
    assert all(described[sensor.external_id] == sensor for sensor in few.sensors)
    told = {reading.sensor: reading for reading in many.readings(MORNING)}
    assert all(told[reading.sensor] == reading for reading in few.readings(MORNING))


def test_fifty_thousand_sensors_have_names_of_their_own_and_lie_on_their_links() -> None:
    city = Simulator(1, MOST)
    assert len({sensor.external_id for sensor in city.sensors}) == MOST
    assert len({sensor.name for sensor in city.sensors}) == MOST
    detectors = [sensor for sensor in city.sensors if sensor.kind == "detector"]
    assert len(detectors) == MOST - len(LINKS)
    assert all(decode(type(sensor), encode(sensor)) == sensor for sensor in detectors[::100])
    links = {link.external_id: link for link in LINKS}
    assert {sensor.external_id.rpartition("-d")[0] for sensor in detectors} == set(links)
    for sensor in detectors[::100]:
        shape = links[sensor.external_id.rpartition("-d")[0]].shape
        place = (sensor.lat or 0, sensor.lon or 0)
        beside = [network.distance_m(a, place) + network.distance_m(place, b) for a, b in pairwise(shape)]
        lengths = [network.distance_m(a, b) for a, b in pairwise(shape)]
        assert min(np.subtract(beside, lengths)) < 2


def test_detectors_count_one_lane_and_measure_no_travel_time() -> None:
    city = Simulator(1, 5_000)
    kinds = {sensor.external_id: sensor.kind for sensor in city.sensors}
    told = [reading for reading in city.readings(MORNING) if kinds[reading.sensor] == "detector"]
    assert len(told) > 4_000
    assert all(reading.travel_time_s is None and (reading.volume_vph or 0) < 3_000 for reading in told)
    assert Counter(sensor.lanes for sensor in city.sensors if sensor.kind == "detector").keys() == {1}


def test_detectors_of_a_link_differ_by_where_the_queue_stands() -> None:
    city = Simulator(1, 20_000)
    seen = city.truth(MORNING)
    spread = []
    for link in LINKS:
        here = [at for at, name in enumerate(seen.sensors) if name.startswith(f"{link.external_id}-d")]
        if len(here) > 20:
            speeds = seen.happened.speed_kmh[here]
            spread.append(float(speeds.max() / speeds.min()))
    assert max(spread) > 2


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_a_number_of_sensors_that_cannot_be_is_one_clear_sentence(count: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"{count} sensors .* say --sensors 1 to 50000"):
        Simulator(1, count)
