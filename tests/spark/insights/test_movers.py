"""What changed is told from what was observed differently."""

import pytest

from spark.insights.insight import Insight
from spark.insights.measures import Compared, Delay, Reliability
from spark.insights.movers import movers
from spark.insights.parameters import Parameters

PARAMETERS = Parameters("UTC", 0.95, top=2)


def delay(hours: float | None, buckets: int = 100) -> Delay:
    return Delay(hours, 1000, 10, buckets, 0.9)


def index(value: float, buckets: int = 100) -> Reliability:
    return Reliability(value, value, buckets, 0.9, 1000, None)


def moved(now: dict[str, float], before: dict[str, float], **indexes: tuple[float, float]) -> list[Insight]:
    by_delay = Compared({s: delay(v) for s, v in now.items()}, {s: delay(v) for s, v in before.items()})
    by_index = Compared(
        {s: index(pair[0]) for s, pair in indexes.items()}, {s: index(pair[1]) for s, pair in indexes.items()}
    )
    return movers(by_delay, by_index, PARAMETERS)


@pytest.mark.parametrize(("buckets", "named"), [(100, True), (80, True), (79, False), (126, False)])
def test_a_sensor_that_failed_is_no_road_that_got_better(buckets: int, named: bool) -> None:
    seen = Compared({"a": delay(1, buckets)}, {"a": delay(100)})
    found = movers(seen, Compared({"a": index(1, buckets)}, {"a": index(2)}), PARAMETERS)
    assert bool(found) == named


def test_those_whose_delay_changed_most_come_first_then_others_whose_index_did() -> None:
    found = moved({"a": 9, "b": 7, "c": 6}, {"a": 1, "b": 1, "c": 1}, a=(2, 1), c=(1.5, 1), d=(1.2, 1))
    rows = [(row.kind, row.rank, row.subject, row.unit) for row in found]
    assert rows == [
        ("mover_worse", 1, "a", "vehicle hours"),
        ("mover_worse", 2, "b", "vehicle hours"),
        ("mover_worse", 3, "c", "travel time index"),
        ("mover_worse", 4, "d", "travel time index"),
    ]


def test_less_than_a_hundredth_is_no_news() -> None:
    assert moved({"a": 100.9, "b": 99.1}, {"a": 100, "b": 100}) == []
    assert [row.kind for row in moved({"a": 102, "b": 98}, {"a": 100, "b": 100})] == ["mover_worse", "mover_better"]


def test_a_road_that_had_no_delay_before_can_get_worse() -> None:
    [found] = moved({"a": 5}, {"a": 0})
    assert (found.kind, found.value, found.before) == ("mover_worse", 5, 0)
