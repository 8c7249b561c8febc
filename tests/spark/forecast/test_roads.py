"""Who is near whom on the roads of a database."""

from collections.abc import Sequence

import numpy as np

from spark.forecast.roads import FEW_LINKS, near_on_roads
from tests.schema.roads.links import KM
from tests.spark.forecast.streets import draw, line


def pairs(url: str, sensors: Sequence[str]) -> set[tuple[str, str]]:
    """Those that are near one another, each once."""
    near = near_on_roads(url, sensors)
    assert near.shape == (len(sensors), len(sensors))
    np.testing.assert_array_equal(near, near.T)
    return {(sensors[one], sensors[other]) for one, other in zip(*np.nonzero(np.triu(near)), strict=True)}


def test_links_up_and_downstream_are_near_as_far_as_a_few_links(database_url: str) -> None:
    road = [(f"t:{number}", "link", line((number, 0), (number + 1, 0))) for number in range(FEW_LINKS + 2)]
    draw(database_url, *road)
    names = [sensor for sensor, *_ in road]
    assert pairs(database_url, names) == {
        (one, other)
        for at, one in enumerate(names)
        for other in names[at + 1 :]
        if (one, other) != (names[0], names[-1])
    }


def test_neither_the_way_back_nor_a_link_beside_is_near(database_url: str) -> None:
    draw(
        database_url,
        ("t:there", "link", line((0, 0), (1, 0))),
        ("t:on", "link", line((1, 0), (1, 1))),
        ("t:back", "link", line((1, 0.01), (0, 0.01))),
        ("t:merging", "link", line((2, 0), (1, 0))),  # into the same place, from where one may turn but not come back
        ("t:beside", "link", line((0, 0.5), (0.9, 0.5))),
    )
    names = ["t:there", "t:on", "t:back", "t:merging", "t:beside"]
    assert pairs(database_url, names) == {("t:there", "t:on"), ("t:on", "t:merging"), ("t:back", "t:merging")}


def test_a_sensor_that_is_on_no_road_is_near_nobody(database_url: str) -> None:
    draw(
        database_url,
        ("t:detector", "detector", {"type": "Point", "coordinates": [KM, 0]}),
        ("t:undrawn", "link", None),
        ("t:nowhere", "link", line((1, 0), (1, 0))),
        ("t:one", "link", line((0, 0), (1, 0))),
        ("t:silent", "link", line((1, 0), (2, 0))),
        ("t:two", "link", line((2, 0), (3, 0))),
    )
    asked = ["t:two", "t:detector", "t:gone", "t:undrawn", "t:one", "t:nowhere"]
    assert pairs(database_url, asked) == {("t:two", "t:one")}


def test_a_city_without_links_has_nobody_near(database_url: str) -> None:
    assert pairs(database_url, ["t:0", "t:1"]) == set()
