"""`urbanclear bench …`: a JSON array of figures on standard output, progress on standard error."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from bench.figures import Figure

app = typer.Typer(no_args_is_help=True, help="Measure, on this machine, what the README says.")

T = TypeVar("T")
Quick = Annotated[bool, typer.Option(help="fewer runs, within a minute")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: one array")]


@app.callback()
def benchmarks() -> None:
    """Each command is one part's figures."""


@app.command()
def stack(quick: Quick = False, as_json: AsJson = False) -> None:
    """How soon the whole is up, how soon a reading is on the page, how many a second it takes."""
    from bench.stack import measure

    _show(_measured(lambda say: measure(quick, say)), as_json)


@app.command()
def schema(
    rows: Annotated[
        int, typer.Option(help="readings in all, over 30 days of 1,000 sensors", min=100_000)
    ] = 86_400_000,
    as_json: AsJson = False,
) -> None:
    """Storage, rollups against raw readings, everyday queries; on the server of the settings, or an embedded one."""
    from bench.schema import measure

    engine, figures = _measured(lambda say: measure(get_settings(), rows, say))
    _show(figures, as_json, engine=engine, rows=rows)


@app.command()
def grafana(
    rows: Annotated[
        int, typer.Option(help="readings in all, over 30 days of 1,000 sensors", min=100_000)
    ] = 8_640_000,
    as_json: AsJson = False,
) -> None:
    """How long the slowest query of the dashboards takes; on the server of the settings, or an embedded one."""
    from bench.grafana import measure

    engine, figures = _measured(lambda say: measure(get_settings(), rows, say))
    _show(figures, as_json, engine=engine, rows=rows)


@app.command()
def writes(
    rows: Annotated[int, typer.Option(help="readings written in each way", min=10_000)] = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Ways to store readings exactly once, on the server of the settings, or an embedded one."""
    from bench.writes import measure

    engine, figures = _measured(lambda say: measure(get_settings(), rows, say))
    _show(figures, as_json, engine=engine, rows=rows)


@app.command()
def ingest(
    rows: Annotated[
        int | None, typer.Option(help="readings in the backlog; by default 10 M", min=10_000, show_default=False)
    ] = None,
    connect: Annotated[
        bool, typer.Option(help="also against Kafka Connect's JDBC sink, whose libraries are fetched; not if quick")
    ] = True,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """How fast a backlog becomes rows, against the bare parts and other ways; how soon a reading is visible."""
    from bench.ingest.measure import FULL, QUICK, measure

    plan = QUICK if quick else FULL
    plan = replace(plan, rows=rows or plan.rows, with_connect=plan.with_connect and connect)
    context, figures = _measured(lambda say: measure(get_settings(), plan, say))
    _show(figures, as_json, **context)


@app.command()
def api(quick: Quick = False, as_json: AsJson = False) -> None:
    """How soon REST answers: each of ten questions against its bare SQL, and all mixed, 200 a second."""
    from bench.api.measure import FULL, QUICK, measure

    _show(_measured(lambda say: measure(get_settings(), QUICK if quick else FULL, say)), as_json)


@app.command()
def websocket(
    clients: Annotated[
        int | None, typer.Option(help="clients held at once; by default 10,000", min=50, show_default=False)
    ] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """How many live clients one API process holds, how soon the last has what was published, and at which cost."""
    from bench.websocket.measure import FULL, QUICK, measure

    plan = QUICK if quick else FULL
    plan = replace(plan, clients=clients or plan.clients)
    _show(_measured(lambda say: measure(get_settings(), plan, say)), as_json)


@app.command()
def spark(
    nab: Annotated[
        Path | None,
        typer.Option(help="folder of the Numenta Anomaly Benchmark's series and windows.json", show_default=False),
    ] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """How long the batch jobs take over a month, how fast they read, and what they and the stream find, how soon."""
    from bench.spark.measure import FULL, QUICK, measure

    _show(_measured(lambda say: measure(get_settings(), QUICK if quick else FULL, nab, say)), as_json)


@app.command()
def forecast(
    file_format: Annotated[
        Literal["metr-la", "nyc-dot", "pems"] | None,
        typer.Option("--format", help="also train and judge on files of this form", show_default=False),
    ] = None,
    learned: Annotated[list[Path] | None, typer.Option("--train", help="with --format: to learn from")] = None,
    apart: Annotated[list[Path] | None, typer.Option("--validate", help="with --format: for the intervals")] = None,
    tested: Annotated[list[Path] | None, typer.Option("--test", help="with --format: to judge on")] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """How good forecasts are beside the last value, on files; how soon one on the WebSocket has a reading in it."""
    from bench.forecast.measure import FULL, QUICK, Files, measure

    files = Files(file_format, learned or (), apart or (), tested or ()) if file_format else None
    _show(_measured(lambda say: measure(QUICK if quick else FULL, files, say)), as_json)


@app.command()
def alerting(quick: Quick = False, as_json: AsJson = False) -> None:
    """What watching 10,000 pairs of a rule and a sensor costs, and how soon webhooks and 10,000 people are told."""
    from bench.alerting.measure import FULL, QUICK, measure

    _show(_measured(lambda say: measure(QUICK if quick else FULL, say)), as_json)


@app.command()
def chaos(
    faults: Annotated[int, typer.Option(help="how many happen, one to three seconds apart", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="the same seed gives the same sequence of faults")] = 1,
    rate: Annotated[float, typer.Option(help="readings sent a second meanwhile", min=1)] = 3_000,
    keep: Annotated[bool, typer.Option(help="keep the folder with all logs and data")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs: one object")] = False,
) -> None:
    """Kill, pause, cut off and fill up ingest and its servers, then prove that each reading is stored once."""
    from bench.chaos.cli import run
    from bench.chaos.run import Options

    if not run(get_settings(), Options(faults=faults, seed=seed, rate=rate, keep=keep), as_json):
        raise typer.Exit(1)


def _measured(measure: Callable[[Callable[[str], None]], Coroutine[Any, Any, T]]) -> T:
    """What `measure` returns; what it says meanwhile is shown on standard error."""
    with Console(stderr=True).status("") as status:
        return asyncio.run(measure(status.update))


def _show(figures: "list[Figure]", as_json: bool, **context: object) -> None:
    from bench.figures import as_json as to_json

    if as_json:
        typer.echo(to_json(figures, **context))
        return
    title = ", ".join(f"{name} {value}" for name, value in context.items())
    table = Table("figure", "median", "unit", "min", "max", "runs", "bare part", "ratio", title=title)
    for one in figures:
        bare = ("–", "–") if one.ratio is None else (str(one.baseline), str(one.ratio))
        table.add_row(one.name, str(one.value), one.unit, str(one.min), str(one.max), str(one.runs), *bare)
    Console().print(table)
