"""How well failures are foreseen is told from what failed."""

from datetime import timedelta

from bench.spark.maintenance import DAY, HORIZON, START, STEP, Failing, begun_failures, figures, score

SENSORS = 4
END = START + 10 * DAY


def failing(sensor: str, kind: str, begin: timedelta, steps: int) -> list[Failing]:
    return [Failing(START + begin + step * STEP, sensor, kind) for step in range(steps)]


def test_a_failure_is_half_an_hour_or_more_of_one_kind_without_a_gap() -> None:
    found = begun_failures(
        [
            *failing("one", "silent", DAY, 6),
            *failing("one", "silent", 2 * DAY, 5),
            *failing("one", "stuck", 2 * DAY + 5 * STEP, 5),
            *failing("two", "stuck", 3 * DAY, 40),
            *(one for step in range(0, 40, 2) for one in failing("two", "silent", 4 * DAY + step * STEP, 1)),
        ]
    )
    assert found == {"one": [START + DAY], "two": [START + 3 * DAY]}


def test_a_list_is_scored_by_the_week_that_follows_it() -> None:
    begun = {
        "one": [END - STEP, END + 2 * DAY, END + 3 * DAY],
        "two": [END + HORIZON],
        "three": [END],
    }
    found = score(["one", "two"], SENSORS, begun, END)
    assert (found.precision, found.base, found.lead_days) == (0.5, 0.5, [2.0])
    precision, lead = figures([found, score(["one", "three"], SENSORS, begun, END)])
    assert (precision.name, precision.value, precision.baseline) == ("maintenance_precision_at_10", 0.75, 0.5)
    assert (lead.name, lead.value, lead.unit) == ("maintenance_lead_days", 2.0, "d")


def test_no_lead_is_told_where_nothing_that_was_listed_failed() -> None:
    [precision] = figures([score(["four"], SENSORS, {"one": [END]}, END)])
    assert (precision.value, precision.baseline) == (0, 0.25)
