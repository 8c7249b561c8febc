"""`urbanclear bench …`: a JSON array of figures on standard output, progress on standard error."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Measure, on this machine, what the README says.")

Quick = Annotated[bool, typer.Option(help="fewer runs, within a minute")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: one array")]


@app.callback()
def benchmarks() -> None:
    """Each command is one part's figures."""


@app.command()
def stack(quick: Quick = False, as_json: AsJson = False) -> None:
    """How soon the whole is up, how soon a reading is on the page, how many a second it takes."""
    from bench.figures import as_json as to_json
    from bench.stack import measure

    console = Console(stderr=True)
    with console.status("") as status:
        figures = asyncio.run(measure(quick, status.update))
    if as_json:
        typer.echo(to_json(figures))
        return
    table = Table("figure", "median", "unit", "min", "max", "runs", "bare part", "ratio")
    for one in figures:
        bare = ("–", "–") if one.ratio is None else (str(one.baseline), str(one.ratio))
        table.add_row(one.name, str(one.value), one.unit, str(one.min), str(one.max), str(one.runs), *bare)
    Console().print(table)
