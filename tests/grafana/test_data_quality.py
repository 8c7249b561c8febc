"""Which sensors are silent and how old data are, at this moment."""

from datetime import UTC, datetime

import pytest

from tests.grafana.asking import NOWHERE, ask, write

#: One that spoke a minute ago, one that has been silent for 20 minutes, one that never spoke; one elsewhere.
SENSORS = b"""
    INSERT INTO sensors (external_id, name, area) VALUES
        ('test:1', 'fresh', NULL), ('test:2', 'old', NULL), ('test:3', 'mute', NULL), ('test:4', 'far', 'Queens');
    INSERT INTO latest_readings (sensor_id, time)
    SELECT id, now() - CASE name WHEN 'old' THEN interval '20 minutes' ELSE interval '1 minute' END
    FROM sensors WHERE name <> 'mute';
"""
NOW = datetime.now(UTC)


@pytest.fixture
def heard(database_url: str) -> str:
    write(database_url, SENSORS)
    return database_url


def test_silent_are_those_without_a_reading_for_a_quarter_of_an_hour_or_ever(heard: str) -> None:
    assert ask(heard, "data_quality/silent_count", NOW, NOW) == [{"sensors": 2}]
    assert [row["name"] for row in ask(heard, "data_quality/silent", NOW, NOW)] == ["mute", "old"]


def test_an_area_s_data_are_as_old_as_its_sensors_newest_readings(heard: str) -> None:
    rows = {row["area"]: row for row in ask(heard, "data_quality/age_by_area", NOW, NOW, area=[*NOWHERE, "Queens"])}
    nowhere, queens = rows["no area"], rows["Queens"]
    assert (nowhere["sensors"], nowhere["silent"]) == (3, 2)
    assert 60 <= nowhere["newest"] < 20 * 60 <= nowhere["oldest"]
    assert queens["newest"] == queens["median"] == queens["oldest"]
