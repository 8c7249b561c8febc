"""A panel's query as Grafana sends it: its macros and variables put in.

Macros as `pkg/tsdb/postgres/macros.go` of Grafana has them, arguments up to the first closing bracket; variables as
its front end writes them with the format `sqlstring`: quoted, with quotes doubled, several with commas between.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

MACRO = re.compile(r"\$__(\w+)\(([^)]*)\)")
VARIABLE = re.compile(r"\$\{(\w+):sqlstring\}")
LEFT_OVER = re.compile(r"\$[_a-zA-Z{][\w:}]*")


def expanded(
    query: str, start: datetime, end: datetime, variables: Mapping[str, Sequence[str]], interval: timedelta
) -> str:
    """Raises ValueError for what Grafana does not know, or that no variable of the dashboard has."""

    def macro(match: re.Match[str]) -> str:
        arguments = [argument.strip() for argument in match[2].split(",")]
        match match[1]:
            case "timeFilter":
                return f"{arguments[0]} BETWEEN '{start.isoformat()}' AND '{end.isoformat()}'"
            case "timeFrom":
                return f"'{start.isoformat()}'"
            case "timeTo":
                return f"'{end.isoformat()}'"
            case name:
                raise ValueError(f"not used here, or unknown to Grafana: $__{name}")

    def variable(match: re.Match[str]) -> str:
        return ",".join("'" + value.replace("'", "''") + "'" for value in variables[match[1]])

    text = MACRO.sub(macro, query).replace("$__interval_ms", str(int(interval.total_seconds() * 1000)))
    text = VARIABLE.sub(variable, text.replace("$__interval", f"{int(interval.total_seconds())}s"))
    if left := LEFT_OVER.search(text):
        raise ValueError(f"Grafana would leave {left[0]} as it is")
    return text
