"""The `urbanclear` command: one entry for every part. Parts are imported only when their command runs."""

import sys
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError
from rich.console import Console

from alerting.cli import app as alerting
from api.access.cli import app as keys
from api.cli import api
from api.live.watch_cli import watch
from bench.cli import app as bench
from grafana.cli import app as grafana
from ingest.cli import ingest, source
from schema.cli import app as schema
from spark.cli import app as spark
from spark.forecast.cli import app as forecast
from spark.report.cli import app as report
from urbanclear.embedded.cli import up
from urbanclear.errors import UrbanclearError
from urbanclear.status_cli import status

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Open-source analytics for a city's traffic, time series first."
)
app.command()(up)
app.command()(status)
app.command()(api)

app.command()(watch)

app.add_typer(alerting, name="alerting")
app.add_typer(bench, name="bench")
app.add_typer(forecast, name="forecast")
app.add_typer(grafana, name="grafana")
app.add_typer(ingest, name="ingest")
app.add_typer(source, name="source")
app.add_typer(keys, name="keys")
app.add_typer(report, name="report")
app.add_typer(schema, name="schema")
app.add_typer(spark, name="spark")


def main() -> None:
    """Run the command; an error of ours is one sentence and exit code 1."""
    try:
        app()
    except UrbanclearError as error:
        _fail(str(error))
    except ValidationError as error:
        _fail(f"A setting does not fit: {'; '.join(map(_problem, error.errors()))}.")


def _problem(error: "ErrorDetails") -> str:
    """The setting, where it is one alone, and what is wrong with it."""
    message = error["msg"].removeprefix("Value error, ")
    name = "_".join(map(str, error["loc"])).upper()
    return f"URBANCLEAR_{name}: {message}" if name else message


def _fail(sentence: str) -> None:
    console = Console(stderr=True, soft_wrap=True)
    console.print("error:", style="red", end=" ")
    console.print(sentence, markup=False, emoji=False, highlight=False)
    sys.exit(1)
