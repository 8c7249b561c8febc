"""What the database answers a panel, and how the panel wants it shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from grafana.asked import Board, chosen, panels
from grafana.expanding import Shown, expanded

Row = dict[str, Any]

_VARIABLE: Final = re.compile(r"\$\{(\w+)[^}]*\}")
_BETWEEN_SLASHES: Final = re.compile(r"/(.*)/([a-z]*)")


@dataclass(frozen=True)
class Answered:
    """A panel's JSON, the time it shows, and the rows of each of its queries; none where it asks no database."""

    panel: Mapping[str, Any]
    title: str
    shown: Shown
    frames: list[list[Row]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.panel["type"])

    @property
    def rows(self) -> list[Row]:
        return [row for frame in self.frames for row in frame]

    def setting(self, name: str, column: str = "") -> Any:
        """Such as `unit` or `decimals`: the column's own, else the panel's, else None."""
        config = self.panel.get("fieldConfig") or {}
        found = (config.get("defaults") or {}).get(name)
        for override in config.get("overrides") or []:
            if _fits(override["matcher"], column):
                found = next((one["value"] for one in override["properties"] if one["id"] == name), found)
        return found

    def colour(self, value: float | None, column: str = "") -> str | None:
        """By the thresholds; None where there are none."""
        steps = (self.setting("thresholds", column) or {}).get("steps") or []
        if value is None or not steps:
            return None
        return str([step["color"] for step in steps if step["value"] is None or step["value"] <= value][-1])


def _fits(matcher: Mapping[str, Any], column: str) -> bool:
    """Of an expression between slashes a part is enough, as in Grafana; of another it has to be the whole name."""
    wanted = str(matcher["options"])
    if matcher["id"] != "byRegexp":
        return wanted == column
    if inner := _BETWEEN_SLASHES.fullmatch(wanted):
        return re.search(inner[1], column, re.IGNORECASE if "i" in inner[2] else 0) is not None
    return re.fullmatch(wanted, column) is not None


@dataclass(frozen=True)
class Answers:
    """A dashboard with what is shown on it; `told` says what is chosen in its variables, by label."""

    board: Board
    shown: Shown
    told: Mapping[str, list[str]]
    panels: list[Answered]


def answered(
    connection: Connection[Row], board: Board, shown: Shown, given: Mapping[str, list[str]] | None = None
) -> Answers:
    """Each panel in its order; what is not `given` is chosen as when the dashboard is opened."""
    choices = chosen(connection, board, given)
    found = [_answer(connection, panel, shown, choices.chosen) for panel in panels(board)]
    return Answers(board, shown, choices.told, found)


def _answer(
    connection: Connection[Row], panel: Mapping[str, Any], shown: Shown, variables: Mapping[str, list[str]]
) -> Answered:
    asked = [target["rawSql"] for target in panel.get("targets") or [] if "rawSql" in target]
    queries = [expanded(query, shown, variables).encode() for query in asked]
    title = _VARIABLE.sub(lambda name: ", ".join(variables.get(name[1], [])), panel.get("title", ""))
    return Answered(panel, title, shown, [connection.execute(query).fetchall() for query in queries])


def series(one: Answered) -> dict[str, tuple[list[datetime], list[float]]]:
    """Lines by name: of a text column's values, else of each column of numbers."""
    found: dict[str, tuple[list[datetime], list[float]]] = {}
    for frame in one.frames:
        for row in frame:
            names = [str(value) for value in row.values() if isinstance(value, str)]
            for column, value in row.items():
                if column != "time" and not isinstance(value, str):
                    times, values = found.setdefault(" ".join(names) or column, ([], []))
                    times.append(row["time"])
                    values.append(float("nan") if value is None else float(value))
    return found
