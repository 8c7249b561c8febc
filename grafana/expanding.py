"""A panel's query as Grafana sends it: its macros and variables put in.

Macros as `pkg/tsdb/postgres/macros.go` of Grafana has them, arguments up to the first closing bracket; variables as
its front end writes them in the format `sqlstring`: quoted, with quotes doubled, several with commas between.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_MACRO: Final = re.compile(r"\$__(\w+)\(([^)]*)\)")
_VARIABLE: Final = re.compile(r"\$\{(\w+):sqlstring\}")
_LEFT_OVER: Final = re.compile(r"\$[_a-zA-Z{][\w:}]*")


@dataclass(frozen=True)
class Shown:
    """The stretch of time that a dashboard shows, and between two of its points."""

    start: datetime
    end: datetime
    interval: timedelta


def expanded(query: str, shown: Shown, variables: Mapping[str, Sequence[str]]) -> str:
    """The SQL; raises ValueError for what Grafana does not know, or that is not chosen in `variables`."""

    def macro(match: re.Match[str]) -> str:
        arguments = [argument.strip() for argument in match[2].split(",")]
        match match[1]:
            case "timeFilter":
                return f"{arguments[0]} BETWEEN '{shown.start.isoformat()}' AND '{shown.end.isoformat()}'"
            case "timeFrom":
                return f"'{shown.start.isoformat()}'"
            case "timeTo":
                return f"'{shown.end.isoformat()}'"
            case name:
                raise ValueError(f"not used here, or unknown to Grafana: $__{name}")

    text = _MACRO.sub(macro, query).replace("$__interval_ms", str(int(shown.interval.total_seconds() * 1000)))
    text = with_variables(text.replace("$__interval", f"{int(shown.interval.total_seconds())}s"), variables)
    if left := _LEFT_OVER.search(text):
        raise ValueError(f"Grafana would leave {left[0]} as it is")
    return text


def with_variables(query: str, variables: Mapping[str, Sequence[str]]) -> str:
    """What Grafana's page sends its server, which puts in the macros; raises ValueError for one not chosen."""

    def variable(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise ValueError(f"the dashboard has no variable {match[1]}")
        return ",".join("'" + value.replace("'", "''") + "'" for value in variables[match[1]])

    return _VARIABLE.sub(variable, query)
