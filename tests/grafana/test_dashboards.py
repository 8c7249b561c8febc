"""Dashboards are what their code says, complete, and every query of theirs has an answer of the right shape."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from grafana.boards import BOARDS
from grafana.files import FOLDER, written
from tests.grafana.macros import expanded

BOARD_JSON: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in written().items()}


@dataclass(frozen=True)
class Asked:
    """A query of a panel, a variable or an annotation."""

    board: str
    title: str
    sql: str
    format: str

    def __str__(self) -> str:
        return f"{self.board}: {self.title}"


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def sql_queries() -> Iterator[Asked]:
    for name, board in BOARD_JSON.items():
        for panel in panels(board):
            for target in panel.get("targets", []):
                if "rawSql" in target:
                    yield Asked(name, f"{panel['title']} {target['refId']}", target["rawSql"], target["format"])
        for annotation in board["annotations"].get("list", []):
            if "rawSql" in annotation.get("target", {}):
                yield Asked(name, annotation["name"], annotation["target"]["rawSql"], "table")


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


def chosen(board: str, connection: psycopg.Connection[dict[str, Any]]) -> dict[str, list[str]]:
    """What a dashboard has chosen when it is opened: all where that can be, else the first."""
    values: dict[str, list[str]] = {}
    now = datetime.now(UTC)
    for variable in BOARD_JSON[board].get("templating", {}).get("list", []):
        if variable["type"] == "query":
            query = variable["query"]["rawSql"] if isinstance(variable["query"], dict) else variable["query"]
            rows = connection.execute(expanded(query, now, now, values, timedelta(minutes=5)).encode()).fetchall()
            assert rows, f"{variable['name']} has nothing to choose"
            every = [str(row.get("__value", next(iter(row.values())))) for row in rows]
        else:
            every = [part.rsplit(" : ", 1)[-1].strip() for part in str(variable["query"]).split(",")]
        values[variable["name"]] = every if variable.get("includeAll") else every[:1]
    return values


@pytest.mark.parametrize("asked", list(sql_queries()), ids=str)
def test_every_query_is_answered_in_the_shape_that_its_panel_shows(
    asked: Asked, analyst: psycopg.Connection[dict[str, Any]]
) -> None:
    now = datetime.now(UTC)
    query = expanded(
        asked.sql, now - timedelta(days=7), now, chosen(asked.board, analyst), interval=timedelta(minutes=15)
    )
    rows = analyst.execute(query.encode()).fetchall()
    assert rows
    if asked.format == "time_series":
        assert all(isinstance(row["time"], datetime) for row in rows)
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
        numbers = [name for name, value in rows[0].items() if name != "time" and not isinstance(value, str)]
        assert numbers
        assert any(row[name] is not None for row in rows for name in numbers)
