"""Dashboards are what their code says, complete, and every query of theirs has an answer of the right shape."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from grafana.asked import Asked, Choices, boards, panels, queries
from grafana.boards import BOARDS
from grafana.expanding import Shown, expanded
from grafana.files import FOLDER, written

Analyst = psycopg.Connection[dict[str, Any]]
BOARD_JSON = boards()
#: Where one of many is chosen, that of which there is most to tell.
TELLING = {name: Path(__file__).with_name(f"telling_{name}.sql") for name in ("road", "sensor")}
FIELD = re.compile(r"\$\{__data\.fields\.(\w+)(?::\w+)?\}")
SHOWN = [
    (name, panel)
    for name, board in BOARD_JSON.items()
    for panel in panels(board)
    if any("rawSql" in target for target in panel.get("targets") or [])
]
ASKED = [asked for name, board in BOARD_JSON.items() for asked in queries(name, board)]


def test_the_files_are_what_the_code_makes() -> None:
    assert {file.name: file.read_text() for file in FOLDER.glob("*.json")} == written()
    assert len(BOARD_JSON) == len(BOARDS)


def test_every_sql_file_is_asked_by_a_dashboard() -> None:
    texts = json.dumps(BOARD_JSON, ensure_ascii=False)
    files = [file for file in (FOLDER.parent / "sql").rglob("*.sql") if file.parent.name != "alerts"]
    assert files
    asked = [file for file in files if json.dumps(file.read_text().strip(), ensure_ascii=False) in texts]
    assert [str(file) for file in files if file not in asked] == []


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
def analyst(city: str) -> Iterator[Analyst]:
    """As Grafana connects: as those who only read."""
    options = "-c role=urbanclear_analyst -c default_transaction_read_only=on -c statement_timeout=30s"
    with psycopg.connect(city, options=options, row_factory=dict_row, autocommit=True) as connection:
        yield connection


def answered(asked: Asked, analyst: Analyst) -> tuple[list[str], list[dict[str, Any]]]:
    """The columns and the rows of a query, over the last week, with what is chosen when its dashboard is opened."""
    choices = Choices(BOARD_JSON[asked.board])
    for variable, sql in choices.unanswered():
        found = analyst.execute(sql.encode()).fetchall()
        assert found, f"{variable} has nothing to choose"
        choices.answer(variable, found)
        if variable in TELLING:
            row = analyst.execute(TELLING[variable].read_bytes()).fetchone()
            assert row
            choices.chosen[variable] = [*row.values()]
    now = datetime.now(UTC)
    query = expanded(asked.sql, Shown(now - timedelta(days=7), now, timedelta(minutes=15)), choices.chosen)
    cursor = analyst.execute(query.encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_query_is_answered_in_the_shape_that_its_panel_shows(asked: Asked, analyst: Analyst) -> None:
    columns, rows = answered(asked, analyst)
    assert rows
    if asked.format == "time_series":
        assert "time" in columns
        assert all(isinstance(row["time"], datetime) for row in rows)
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
        numbers = [name for name in columns if name not in ("time", "metric")]
        assert len(numbers) == 1 or "metric" not in columns, "Grafana names a series by both"
        assert any(row[name] is not None for row in rows for name in numbers)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: f"{shown[0]}: {shown[1]['title']}")
def test_what_a_panel_says_of_its_columns_is_of_columns_that_it_has(
    shown: tuple[str, dict[str, Any]], analyst: Analyst
) -> None:
    name, panel = shown
    columns: set[str] = set()
    for target in panel["targets"]:
        found, _ = answered(Asked(name, panel["title"], target["rawSql"], target["format"]), analyst)
        columns |= set(found)
    if "metric" not in columns:  # else it is of series, and those are named by what is found
        assert spoken_of(panel) <= columns
    assert set(FIELD.findall(json.dumps(panel))) <= columns


def spoken_of(panel: dict[str, Any]) -> set[str]:
    """The columns that overrides, bands and maps name."""
    overrides = panel.get("fieldConfig", {}).get("overrides") or []
    names = {one["matcher"]["options"] for one in overrides if one["matcher"]["id"] == "byName"}
    names |= {
        value["value"] for one in overrides for value in one["properties"] if value["id"] == "custom.fillBelowTo"
    }
    for layer in panel.get("options", {}).get("layers") or []:
        names |= {layer["location"]["latitude"], layer["location"]["longitude"]}
        names |= {*filter(None, [layer["config"]["style"]["color"].get("field")])}
    return names
