"""Dashboards are what their code says, complete, and every query of theirs has an answer of the right shape."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from grafana.asked import Asked, Choices, boards, panels, queries
from grafana.boards import BOARDS
from grafana.expanding import Shown, expanded
from grafana.files import FOLDER, written

BOARD_JSON = boards()
ASKED = [asked for name, board in BOARD_JSON.items() for asked in queries(name, board)]


def test_the_files_are_what_the_code_makes() -> None:
    assert {file.name: file.read_text() for file in FOLDER.glob("*.json")} == written()
    assert len(BOARD_JSON) == len(BOARDS)


@pytest.mark.parametrize("name", BOARD_JSON)
def test_every_panel_says_what_it_shows_and_in_which_unit(name: str) -> None:
    shown = [panel for panel in panels(BOARD_JSON[name]) if panel["type"] not in ("row", "text")]
    assert shown
    assert [panel["title"] for panel in shown if not panel.get("description")] == []
    numeric = [panel for panel in shown if panel["type"] in ("stat", "timeseries", "gauge", "bargauge", "barchart")]
    assert [panel["title"] for panel in numeric if not panel["fieldConfig"]["defaults"].get("unit")] == []


@pytest.mark.parametrize("name", BOARD_JSON)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    every = list(panels(BOARD_JSON[name]))
    assert len({panel["id"] for panel in every}) == len(every)
    taken: set[tuple[int, int]] = set()
    for panel in every:
        place = panel["gridPos"]
        across = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in across for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


@pytest.fixture
def analyst(city: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """As Grafana connects: as those who only read."""
    options = "-c role=urbanclear_analyst -c default_transaction_read_only=on -c statement_timeout=30s"
    with psycopg.connect(city, options=options, row_factory=dict_row, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_query_is_answered_in_the_shape_that_its_panel_shows(
    asked: Asked, analyst: psycopg.Connection[dict[str, Any]]
) -> None:
    choices = Choices(BOARD_JSON[asked.board])
    for variable, sql in choices.unanswered():
        found = analyst.execute(sql.encode()).fetchall()
        assert found, f"{variable} has nothing to choose"
        choices.answer(variable, found)
    now = datetime.now(UTC)
    query = expanded(asked.sql, Shown(now - timedelta(days=7), now, timedelta(minutes=15)), choices.chosen)
    rows = analyst.execute(query.encode()).fetchall()
    assert rows
    if asked.format == "time_series":
        assert all(isinstance(row["time"], datetime) for row in rows)
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
        numbers = [name for name, value in rows[0].items() if name != "time" and not isinstance(value, str)]
        assert numbers
        assert any(row[name] is not None for row in rows for name in numbers)
