"""Links are drawn from whatever their description has left of them."""

import polyline
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.replay.geometry import distance_m, length_m, link_line
from ingest.sources.replay.roads import road_and_direction

BRIDGE = [(40.81, -73.93), (40.82, -73.92), (40.83, -73.91)]


def listed(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{lat},{lon}" for lat, lon in places)


def test_the_encoded_line_is_preferred() -> None:
    assert link_line(polyline.encode(BRIDGE), listed(BRIDGE[:2])) == BRIDGE


@pytest.mark.parametrize("encoded", ["", "_pfxF`}yaMdFsWBBBBB", polyline.encode([(0.0, 0.0), (1.0, 1.0)]), "~~~~"])
def test_the_list_of_points_is_used_where_the_encoded_line_is_no_line_in_the_city(encoded: str) -> None:
    assert link_line(encoded, listed(BRIDGE)) == BRIDGE


@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize("garbled", ["40.6853005,-74.891", "40.9,-73.7", "40.68", ",", "40.8,-7", "x,y"])
def test_garbled_points_are_left_out(garbled: str, at: int) -> None:
    texts = listed(BRIDGE).split()
    texts.insert(at, garbled)
    assert link_line("", " ".join(texts)) == BRIDGE


def test_the_last_point_of_a_list_that_was_cut_off_is_left_out() -> None:
    places = [(40.7 + n / 1_000, -74.0) for n in range(30)]
    text = listed(places)[:255]
    line = link_line("", text)
    assert line == places[: len(line)]
    assert len(line) == len(text.split()) - 1


@pytest.mark.parametrize("points", ["", "40.8,-73.9", "40.8,-73.9 40.8,-73.9", "garbage"])
def test_a_link_without_two_places_has_no_line(points: str) -> None:
    assert link_line("", points) == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_description_however_garbled_stops_a_replay(encoded: str, points: str) -> None:
    assert len(link_line(encoded, points)) != 1


def test_distances_are_great_circle() -> None:
    new_york, los_angeles = (40.7128, -74.0060), (34.0522, -118.2437)
    assert distance_m(new_york, los_angeles) == pytest.approx(3_935_746, rel=1e-3)
    assert length_m([(0, 0), (0, 1), (1, 1)]) == pytest.approx(2 * 111_195, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "road", "direction"),
    [
        ("BQE N LEONARD STREET - 46TH STREET", "Brooklyn-Queens Expressway", "N"),
        ("CVE NB LIE - WILLETS PT BLVD", "Clearview Expressway", "N"),
        ("FDR S 63rd - 25th St", "FDR Drive", "S"),
        ("11th ave n ganservoort - 12th ave @ 40th st", "11th Ave", "N"),
        ("LINCOLN TUNNEL E CENTER TUBE NJ - NY", "Lincoln Tunnel", "E"),
        ("Belt Pkwy W 182nd St - JFK Expressway", "Belt Parkway", "W"),
        ("CBE AMSTERDAM AVE (L/LVL) - MORRIS AVE", "Cross Bronx Expressway", None),
        ("12th ave @ 45th - 11 ave ganservoort st", "12th Ave", None),
        ("BKN Bridge Manhattan Side - FDR N Catherine Slip", "Bkn Bridge Manhattan Side", None),
        ("", None, None),
    ],
)
def test_road_and_direction_are_read_from_the_name(name: str, road: str | None, direction: str | None) -> None:
    assert road_and_direction(name) == (road, direction)
