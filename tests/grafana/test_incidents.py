"""What is read of incidents: how soon they were told, when they were open, how grave they are."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import psycopg
import pytest

from grafana.boards.incidents import COLOURS
from schema.chunks import make_chunks
from schema.engines import engine_of
from schema.events import Severity
from tests.grafana.asking import ask, write

START, END = datetime(2026, 3, 2, 10, tzinfo=UTC), datetime(2026, 3, 2, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHOSEN = {"severity": get_args(Severity)}
#: One that is told in 3 minutes and open from 12 to 13 h, one that is told in 20 minutes and lasts, one of before.
INCIDENTS = b"""
    INSERT INTO incidents (id, status, kind, severity, road, time, started_at, cleared_at) VALUES
        ('test:soon', 'cleared', 'collision', 'critical', 'Broadway',
         '2026-03-02 13:00Z', '2026-03-02 12:00Z', '2026-03-02 13:00Z'),
        ('test:late', 'updated', 'road_works', 'low', 'Canal Street', '2026-03-02 12:50Z', '2026-03-02 12:30Z', NULL),
        ('test:old', 'cleared', 'hazard', 'medium', NULL,
         '2026-03-01 13:00Z', '2026-03-01 12:00Z', '2026-03-01 13:00Z');
    INSERT INTO incident_updates (incident_id, time, status, severity) VALUES
        ('test:soon', '2026-03-02 12:03Z', 'reported', 'high'),
        ('test:soon', '2026-03-02 12:20Z', 'updated', 'critical'),
        ('test:late', '2026-03-02 12:50Z', 'reported', 'low'),
        ('test:old', '2026-03-01 12:00Z', 'reported', 'medium');
"""


@pytest.fixture
def happened(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as connection:
        make_chunks(connection, engine_of(database_url), "incident_updates", [START, START - timedelta(days=1)])
    write(database_url, INCIDENTS)
    return database_url


def test_an_incident_is_told_by_its_first_update(happened: str) -> None:
    assert ask(happened, "incidents/told_share", START, END, **CHOSEN) == [{"share": 0.5}]
    told, alerted, _, cleared = ask(happened, "incidents/response", START, END, **CHOSEN)
    assert (told["incidents"], told["median"], told["within 5 minutes"]) == (2, 11.5 * 60, 0.5)
    assert (alerted["incidents"], alerted["median"]) == (0, None)
    assert (cleared["incidents"], cleared["median"], cleared["within 5 minutes"]) == (1, 3600, None)


def test_an_incident_is_open_from_its_start_until_it_is_cleared(happened: str) -> None:
    rows = ask(happened, "incidents/open_over_time", START, END, **CHOSEN)
    open_at = {row["time"]: (row["low"], row["medium"], row["critical"]) for row in rows}
    assert open_at[START + 117 * MINUTE] == (0, 0, 0)
    assert open_at[START + 120 * MINUTE] == (0, 0, 1)
    assert open_at[START + 150 * MINUTE] == (1, 0, 1)
    assert open_at[START + 180 * MINUTE] == (1, 0, 0)
    assert open_at[END] == (1, 0, 0)


def test_the_timeline_shows_each_incident_while_it_lasts_by_how_grave_it_is(happened: str) -> None:
    rows = ask(happened, "incidents/timeline", START, END, **CHOSEN)
    assert {row["metric"] for row in rows} == {"1. collision, Broadway", "2. road works, Canal Street"}
    grades = {row["time"]: row["severity"] for row in rows if row["metric"].startswith("1.")}
    assert {time for time, grade in grades.items() if grade} == {START + 3 * k * MINUTE for k in range(40, 60)}
    assert list(COLOURS)[grades[START + 120 * MINUTE] - 1] == "critical"


def test_only_the_severities_that_are_chosen_are_counted(happened: str) -> None:
    rows = ask(happened, "incidents/by_kind", START, END, severity=["low"])
    assert rows == [{"kind": "road works", "low": 1, "medium": 0, "high": 0, "critical": 0}]


def test_all_severities_have_a_column_and_a_colour(happened: str) -> None:
    row, *_ = ask(happened, "incidents/by_kind", START, END, **CHOSEN)
    assert [*row][1:] == [*get_args(Severity)] == [*COLOURS]
