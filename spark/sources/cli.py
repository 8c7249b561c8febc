"""`urbanclear spark read`."""

import json
import time
from typing import Annotated

import typer
from rich.console import Console

from spark.options import AsJson, Days, From, Master, Source, To
from urbanclear.settings import get_settings


def read(
    times: Annotated[int, typer.Option(help="how often; the first time Spark is still cold", min=1)] = 3,
    start: From = None,
    end: To = None,
    days: Days = 28,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """How fast the readings of a span come into Spark, as jobs read them; nothing is computed or written."""
    from spark.sources.opening import opened
    from spark.spans import Asked

    seconds = []
    with opened(get_settings(), source, Asked.of(start, end, days), "read", master) as found:
        span = found.span
        readings = found.source.take(span).readings
        for _ in range(times):
            began = time.perf_counter()
            readings.write.format("noop").mode("overwrite").save()
            seconds.append(round(time.perf_counter() - began, 3))
        rows = readings.count()
    if as_json:
        said = {"from": span.start.isoformat(), "to": span.end.isoformat(), "rows": rows, "seconds": seconds}
        typer.echo(json.dumps(said))
        return
    for one in seconds:
        Console().print(f"{rows:,} rows in {one:.1f} s: {rows / one:,.0f} a second")
