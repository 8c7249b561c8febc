"""A place is at the sensors of its road, in its direction, and at none that only pass nearby."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.roads.at import BESIDE_M, DETECTOR_M, NAMED_M, ON_M, Measured, Sensors, same_road
from tests.schema.roads.links import KM

M = KM / 1000


def link(name: str, east_m: float, road: str | None = None, direction: str | None = None) -> Measured:
    """A kilometre northwards, so far east of the zero meridian, from the equator on."""
    return Measured(name, ((east_m * M, 0.0), (east_m * M, KM)), road, direction)


def at(sensors: list[Measured], east_m: float, north_m: float = 500, **said: str) -> list[str]:
    return Sensors(sensors).at((east_m * M, north_m * M), **said)


def test_both_directions_are_found_and_one_where_it_is_said() -> None:
    both = [link("north", 0, "FDR Drive", "N"), link("south", -20, "FDR Drive", "S")]
    assert at(both, 5, road="FDR Dr") == ["north", "south"]
    assert at(both, 5, road="FDR Dr", direction="S") == ["south"]
    assert at(both, 5, road="FDR Dr", direction="E") == ["north", "south"]
    assert at(both, 5, direction="S") == ["south"]


def test_another_road_that_crosses_or_runs_beside_is_left_out() -> None:
    avenue, street = link("avenue", 0, "1 Avenue"), link("street", 25, "34 Street")
    assert at([avenue, street], 20, road="1 Av") == ["avenue"]
    assert at([avenue, street], 60, road="34 St") == ["street"]
    assert at([avenue, street], 5, road="2 Av") == []


def test_a_place_is_on_the_roads_beneath_it_where_no_name_tells_otherwise() -> None:
    expressway = link("expressway", 0, "Brooklyn-Queens Expressway")
    assert at([expressway], ON_M - 1, road="I-278") == ["expressway"] == at([expressway], ON_M - 1)
    assert at([expressway], ON_M + 1, road="I-278") == [] == at([expressway], ON_M + 1)
    assert at([link("unnamed", 0)], ON_M - 1, road="34 St") == ["unnamed"]


def test_the_next_link_of_a_road_is_left_out_and_what_is_beside_is_not() -> None:
    one, following = link("one", 0, "A"), Measured("next", ((0.0, KM), (0.0, 2 * KM)), "A")
    assert at([one, following], 10, 1000 - BESIDE_M - 20, road="A") == ["one"]
    assert at([one, following], 10, 990, road="A") == ["one", "next"]


def test_a_detector_stands_for_its_road_so_far() -> None:
    detector = Measured("loop", ((0.0, 0.0),), "I-405", "N")
    assert at([detector], 0, DETECTOR_M - 1, road="I 405") == ["loop"]
    assert at([detector], 0, DETECTOR_M + 1, road="I 405") == []
    assert at([detector], 0, ON_M + 1, road="I-5") == []
    assert at([detector], 0, 100, road="I-405", direction="S") == []


def test_a_sensor_is_where_its_description_says() -> None:
    said = {"sensor": "a", "lat": 1.0, "lon": 2.0, "road": "A", "direction": "N"}
    line = {"type": "LineString", "coordinates": [[2, 1], [2, 1.5, 30]]}
    assert Measured.of(said) == Measured("a", ((2.0, 1.0),), "A", "N")
    assert Measured.of({**said, "geometry": line}) == Measured("a", ((2.0, 1.0), (2.0, 1.5)), "A", "N")
    point = {"type": "Point", "coordinates": [3, 4]}
    assert Measured.of({"sensor": "a", "geometry": point}) == Measured("a", ((3.0, 4.0),))
    assert Measured.of({**said, "lat": None, "geometry": None}) is None


def test_a_city_without_sensors_on_the_map_has_none_at_a_place() -> None:
    assert at([], 0, road="A") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FDR", "FDR Dr"),
        ("FDR Drive", "FDR DRIVE NB"),
        ("Brooklyn-Queens Expressway", "BROOKLYN QUEENS EXPWY"),
        ("I-95", "I 95 N"),
        ("W 34 St", "34 STREET"),
        ("I-95", "I-95 Cross Bronx Expwy"),
        ("Gowanus Expressway", "I-278 - GOWANUS EXPY"),
    ],
)
def test_a_road_is_known_by_its_words(one: str, other: str) -> None:
    assert same_road(one, other)
    assert same_road(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("34 St", "34 Ave"), ("1 Avenue", "2 Avenue"), ("Whitestone Expressway", "Bronx-Whitestone Bridge")],
)
def test_roads_of_other_names_are_not_the_same(one: str, other: str) -> None:
    assert same_road(one, other) is False
    assert same_road(other, one) is False


@pytest.mark.parametrize(
    ("one", "other"),
    [("I-278", "Brooklyn-Queens Expressway"), ("I-5", "5 Ave"), (None, "FDR Drive"), ("", ""), ("N", "I-95 N")],
)
def test_names_may_leave_open_which_road_is_meant(one: str | None, other: str | None) -> None:
    assert same_road(one, other) is None
    assert same_road(other, one) is None


@given(st.lists(st.floats(-2_000, 2_000), max_size=20), st.floats(-2_000, 2_000), st.floats(-500, 1_500))
def test_what_is_found_is_as_near_as_is_said_and_nothing_nearer_is_missing(
    easts: list[float], east_m: float, north_m: float
) -> None:
    sensors = [link(str(number), east, "A") for number, east in enumerate(easts)]
    place = (east_m * M, north_m * M)
    distances = {one.sensor: one.distance_m(place) for one in sensors}
    found = at(sensors, east_m, north_m, road="A")
    assert found == sorted(found, key=lambda sensor: (distances[sensor], sensor))
    nearest = min(distances.values(), default=float("inf"))
    assert set(found) == {name for name, metres in distances.items() if metres <= min(NAMED_M, nearest + BESIDE_M)}
