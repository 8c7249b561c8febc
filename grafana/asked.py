"""Every SQL query of the dashboards, and what is chosen in their variables when they are opened."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from grafana.expanding import Shown, expanded
from grafana.files import written
from urbanclear.errors import ConfigurationError

_NAMED: Final = 20

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
    """What is chosen, variable by variable: what is `given`, else what there is; the caller asks each query."""

    def __init__(self, board: Board, given: Mapping[str, list[str]] | None = None) -> None:
        self._variables = (board.get("templating") or {}).get("list") or []
        self._given = given or {}
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
        name = variable["name"]
        given = self._given.get(name, [])
        if unknown := set(given) - set(every):
            raise ConfigurationError(
                f"{', '.join(unknown)} is no {name}: choose of {', '.join(every[:_NAMED]) or 'none'}."
            )
        self.chosen[name] = given or (every if variable.get("includeAll") else every[:1])
