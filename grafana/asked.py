"""Every SQL query of the dashboards, and what is chosen in their variables when they are opened."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import Connection

from grafana.expanding import Shown, expanded
from grafana.files import written
from urbanclear.errors import ConfigurationError

_NAMED: Final = 10

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
    """What is chosen, variable by variable: what is `given`, else what there is; the caller asks each query.

    Raises `ConfigurationError` for a given variable or value that there is not. A value may be given by its text.
    """

    def __init__(self, board: Board, given: Mapping[str, list[str]] | None = None) -> None:
        self._variables = (board.get("templating") or {}).get("list") or []
        self._given = given or {}
        self.chosen: dict[str, list[str]] = {}
        self.told: dict[str, list[str]] = {}
        """What people read of each, by its label."""
        names = [one["name"] for one in self._variables]
        if unknown := [name for name in self._given if name not in names]:
            raise ConfigurationError(
                f"{board['title']} has no variable {unknown[0]}: "
                + (f"choose one of {', '.join(names)}." if names else "there is nothing to choose.")
            )

    def unanswered(self) -> Iterator[tuple[str, str]]:
        """Each variable that is filled by a query, and that query's SQL; `answer` it before the next."""
        now = datetime.now(UTC)
        for variable in self._variables:
            query = variable.get("query")
            if variable["type"] == "query":
                text = query["rawSql"] if isinstance(query, dict) else str(query)
                yield variable["name"], expanded(text, Shown(now, now, timedelta(minutes=5)), self.chosen)
            elif variable["type"] == "textbox":
                [value] = self._given.get(variable["name"], [str(query)])[-1:]
                self._choose(variable, {value: value})
            else:
                parts = [part.strip().rsplit(" : ", 1) for part in str(query).split(",")]
                self._choose(variable, {part[-1].strip(): part[0].strip() for part in parts})

    def answer(self, name: str, rows: Sequence[Row]) -> None:
        """All of them where that can be chosen, else the first."""
        variable = next(one for one in self._variables if one["name"] == name)
        values = [(row.get("__value", next(iter(row.values()))), row) for row in rows]
        self._choose(variable, {str(value): str(row.get("__text", value)) for value, row in values})

    def _choose(self, variable: dict[str, Any], every: dict[str, str]) -> None:
        """Of `every` value with its text."""
        name, takes_all = variable["name"], bool(variable.get("includeAll"))
        given = [_value_of(name, one, every) for one in self._given.get(name, [])]
        self.chosen[name] = given or (list(every) if takes_all else list(every)[:1])
        is_everything = takes_all and len(self.chosen[name]) == len(every)
        told = ["all"] if is_everything else [every[one] for one in self.chosen[name]]
        self.told[variable.get("label") or name] = told


def chosen(
    connection: Connection[dict[str, Any]], board: Board, given: Mapping[str, list[str]] | None = None
) -> Choices:
    """All that is chosen, asked of `connection`."""
    choices = Choices(board, given)
    for variable, query in choices.unanswered():
        choices.answer(variable, connection.execute(query.encode()).fetchall())
    return choices


def _value_of(name: str, given: str, every: dict[str, str]) -> str:
    found = given if given in every else next((value for value, text in every.items() if text == given), None)
    if found is None:
        more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
        raise ConfigurationError(
            f"{given} is no {name}: choose one of {'; '.join(list(every.values())[:_NAMED])}{more}."
            if every
            else f"{given} is no {name}: there is none in the database."
        )
    return found
