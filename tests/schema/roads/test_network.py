"""Links follow one another where they meet, and nowhere else."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.sources.replay.geometry import link_line
from ingest.sources.simulator.network import downstream, load
from schema.roads.lines import distance_m
from schema.roads.network import SNAP_M, Link, Network
from tests.schema.city import METRES_PER_DEGREE
from tests.schema.roads.links import KM, link_between


def test_nobody_turns_round_at_the_end_of_a_link() -> None:
    out, back = [(0.0, 0.0), (KM, 0.0)], [(KM, 0.0001), (0.0, 0.0001)]
    onward, longer_back = [(KM, 0.0), (2 * KM, 0.0)], [(KM, 0.0001), (-KM, 0.0001)]
    across = [(KM, 0.0), (KM, KM)]
    network = Network([link_between(n, *places) for n, places in enumerate((out, back, onward, longer_back, across))])
    assert set(network.turns[0]) == {2, 4}


@pytest.mark.parametrize(("gap_m", "joined"), [(0.9 * SNAP_M, True), (1.1 * SNAP_M, False)])
def test_ends_that_are_a_little_apart_are_one_place_and_others_are_not(gap_m: float, joined: bool) -> None:
    for east, north in ((gap_m / METRES_PER_DEGREE, 0.0), (0.0, gap_m / METRES_PER_DEGREE)):
        first = link_between(0, (0.0, 0.0), (KM, 0.0))
        second = link_between(1, (KM + east, north), (2 * KM + east, north))
        assert list(Network([first, second]).turns[0]) == ([1] if joined else [])


def test_new_yorks_links_are_joined_where_they_meet_and_nowhere_else(shared_data: Path) -> None:
    """Not many hang together: the feed has only some stretches of each road."""
    network = Network(list(_new_york(shared_data / "nyc/dot_speed_links.csv.gz")))
    assert (len(network.links), network.turns.number_of_edges()) == (138, 104)
    for one, other in network.turns.edges:
        joint = network.links[one].line.positions[-1], network.links[other].line.positions[0]
        assert distance_m(*joint) < 2 * SNAP_M
    assert [len(part) for part in network.components[:3]] == [44, 28, 8]
    name = {number: link.name for number, link in enumerate(network.links)}
    follow = {name[number]: {name[other] for other in network.turns[number]} for number in name}
    assert "12th Ave S 57th St - 45th St" not in follow["12th Ave N 40th - 57th St"]
    assert "Westside Hwy N 57th St - GWB" in follow["12th Ave N 40th - 57th St"]


def _new_york(file: Path) -> Iterator[Link]:
    with gzip.open(file, "rt") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            places = link_line(row["ENCODED_POLY_LINE"], row["LINK_POINTS"])
            link = link_between(number, *[(lon, lat) for lat, lon in places])
            yield replace(link, name=row["LINK_NAME"])


def test_the_simulators_links_follow_one_another_as_it_drives_them() -> None:
    roads = load()
    network = Network(
        [link_between(number, *[(lon, lat) for lat, lon in road.shape]) for number, road in enumerate(roads)]
    )
    driven = {(one, other) for one, onward in enumerate(downstream(roads)) for other in onward}
    assert set(network.turns.edges) <= driven
    assert len(driven - set(network.turns.edges)) < 0.005 * len(driven), "turns that look like ways back"
    assert [len(part) for part in network.components] == [len(roads)]
