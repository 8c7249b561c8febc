"""What the director reads: money, and months against each other."""

from datetime import UTC, datetime

import pytest

from grafana.variables import PERIODS
from schema.measures.statements import statement
from tests.grafana.asking import ask, write

START, THIRD, END = (datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 1), (3, 3), (4, 1)))
CHOSEN = {"period": ["am peak"], "value_of_time": ["20"], "occupancy": ["1.5"]}
SENSOR = b"""
    INSERT INTO sensors (external_id, name) VALUES ('test:1', 'one');
    INSERT INTO measures.links (sensor_id) SELECT id FROM sensors;
    INSERT INTO measures.definitions (algorithm_version, time_zone, planning_percentile, delay_speed_ratio,
                                      bottleneck_speed_kmh, bottleneck_drop_kmh)
    VALUES (1, 'America/New_York', 0.95, 1, 60, 20);
"""
DAYS = b"""
    INSERT INTO measures.delay (day, sensor_id, vehicle_hours_of_delay, buckets, definition_id)
    SELECT day::date, sensors.id, hours, 288, definitions.id
    FROM sensors, measures.definitions,
         (VALUES ('2026-02-10', 20), ('2026-02-11', 10), ('2026-03-02', 30), ('2026-03-03', 60),
                 ('2026-03-04', 1000)) AS lost (day, hours);
    INSERT INTO measures.reliability (day, sensor_id, period, travel_time_index, planning_time_index, buffer_index,
                                      buckets, definition_id)
    SELECT day::date, sensors.id, period, 1.5, planning_time_index, 0.5, 48, definitions.id
    FROM sensors, measures.definitions,
         (VALUES ('2026-02-10', 2), ('2026-03-02', 3), ('2026-03-03', 3), ('2026-03-04', 9))
             AS planned (day, planning_time_index),
         unnest('{am peak,overnight}'::text[]) AS period
    WHERE period = 'am peak' OR day = '2026-02-10';
"""


@pytest.fixture
def measured(database_url: str) -> str:
    write(database_url, SENSOR, DAYS)
    return database_url


def test_a_month_is_compared_with_the_one_before_by_its_days_that_are_over(measured: str) -> None:
    rows = {row["measure"]: row for row in ask(measured, "reliability/months", START, END, **CHOSEN)}
    delay, cost = rows["Delay a day, vehicle hours"], rows["Cost of delay a day"]
    assert (delay["month before"], delay["this month"], delay["change"]) == (15, 45, 2)
    assert (cost["month before"], cost["this month"]) == (15 * 1.5 * 20, 45 * 1.5 * 20)
    planning = rows["Planning time index"]
    assert (planning["month before"], planning["this month"], planning["change"]) == (2, 3, 0.5)


def test_only_the_time_shown_costs(measured: str) -> None:
    assert ask(measured, "reliability/lost", START, THIRD, **CHOSEN) == [{"delay": 90, "cost": 90 * 1.5 * 20}]


def test_what_is_typed_for_the_value_of_an_hour_is_a_number_or_refused(measured: str) -> None:
    typed = {**CHOSEN, "value_of_time": ["1); DROP TABLE sensors; --"]}
    with pytest.raises(Exception, match="invalid input syntax for type double precision"):
        ask(measured, "reliability/lost", START, END, **typed)


def test_days_begin_by_the_city_s_clock(measured: str) -> None:
    rows = ask(measured, "reliability/indexes_by_day", START, END, **CHOSEN)
    assert [row["time"] for row in rows] == [datetime(2026, 3, day, 5, tzinfo=UTC) for day in (2, 3, 4)]


def test_every_period_that_is_measured_can_be_chosen() -> None:
    text = statement("reliability").decode()
    assert [period for period in PERIODS if f"'{period}'" not in text] == []
    assert text.count("THEN '") + text.count("ELSE '") == len(PERIODS)
