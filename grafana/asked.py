"""Every SQL query of the dashboards, and what is chosen in their variables when they are opened."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from grafana.expanding import Shown, expanded
from grafana.files import written

Board = dict[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A query of a panel or an annotation; `format` is `table` or `time_series`."""

    board: str
    title: str
    sql: str
    format: str

    def __str__(self) -> str:
        return f"{self.board}: {self.title}"


def boards() -> dict[str, Board]:
    """The dashboards' JSON by file name without its ending."""
    return {name.removesuffix(".json"): json.loads(text) for name, text in written().items()}


def panels(board: Board) -> Iterator[dict[str, Any]]:
    """All, also those in rows."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or []


def queries(name: str, board: Board) -> Iterator[Asked]:
    """Those of its panels and annotations."""
    for panel in panels(board):
        for target in panel.get("targets") or []:
            if "rawSql" in target:
                yield Asked(name, f"{panel['title']} {target['refId']}", target["rawSql"], target["format"])
    for annotation in board["annotations"].get("list") or []:
        target = annotation.get("target") or {}
        if "rawSql" in target:
            yield Asked(name, annotation["name"], target["rawSql"], "table")


class Choices:
    """What is chosen, variable by variable; the caller asks each query and gives back its rows."""

    def __init__(self, board: Board) -> None:
        self._variables = (board.get("templating") or {}).get("list") or []
        self.chosen: dict[str, list[str]] = {}

    def unanswered(self) -> Iterator[tuple[str, str]]:
        """Each variable that is filled by a query, and that query's SQL; `answer` it before the next."""
        now = datetime.now(UTC)
        for variable in self._variables:
            query = variable.get("query")
            if variable["type"] == "query":
                text = query["rawSql"] if isinstance(query, dict) else str(query)
                yield variable["name"], expanded(text, Shown(now, now, timedelta(minutes=5)), self.chosen)
            else:
                self._choose(variable, [part.rsplit(" : ", 1)[-1].strip() for part in str(query).split(",")])

    def answer(self, name: str, rows: Sequence[Row]) -> None:
        """All of them where that can be chosen, else the first."""
        variable = next(one for one in self._variables if one["name"] == name)
        self._choose(variable, [str(row.get("__value", next(iter(row.values())))) for row in rows])

    def _choose(self, variable: dict[str, Any], every: list[str]) -> None:
        self.chosen[variable["name"]] = every if variable.get("includeAll") else every[:1]
