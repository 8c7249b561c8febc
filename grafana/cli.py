"""`urbanclear grafana`: dashboards brought into a Grafana, written as files, tried on the database, and drawn."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from grafana.applying.cli import apply

if TYPE_CHECKING:
    from grafana.expanding import Shown

app = typer.Typer(no_args_is_help=True, help="Dashboards, data sources and alert rules of Grafana, as code.")

app.command()(apply)

_POINTS = 1_000  # about as many as a panel is wide


@app.command()
def write() -> None:
    """Write the dashboards to `grafana/dashboards/*.json` of this checkout."""
    from grafana.files import write as write_files

    console = Console(soft_wrap=True)
    for file in write_files():
        console.print(str(file), highlight=False)


@app.command()
def check(
    days: Annotated[int, typer.Option(help="over so many days until now", min=1)] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Ask the database all that the dashboards ask, and say how long each took; exit code 1 where one is refused."""
    from grafana.checking import check as ask_all
    from schema.database import database_url
    from urbanclear.settings import get_settings

    with Console(stderr=True).status("asking"):
        answers = list(ask_all(database_url(get_settings()), _until_now(days)))
    if as_json:
        typer.echo(json.dumps([asdict(answer) for answer in answers]))
    else:
        table = Table("dashboard", "query", "rows", "ms", "problem")
        for one in sorted(answers, key=lambda answer: -answer.ms):
            table.add_row(one.asked.board, one.asked.title, str(one.rows), f"{one.ms:.0f}", one.problem)
        Console().print(table)
    if any(answer.problem for answer in answers):
        raise typer.Exit(1)


@app.command()
def picture(
    name: Annotated[str, typer.Argument(help="of the dashboard, such as `city-now`")],
    file: Annotated[Path, typer.Argument(help="to write, a PNG by its ending, or a PDF or SVG")],
    days: Annotated[float, typer.Option(help="over so many days until now", min=0.01)] = 1,
    choose: Annotated[
        list[str] | None,
        typer.Option(help="a variable's value or its text, several times for several: `road=FDR Drive N`"),
    ] = None,
) -> None:
    """Draw what the database answers a dashboard, without a Grafana."""
    from grafana.asked import boards
    from grafana.checking import as_analyst
    from grafana.picture.answers import answered
    from grafana.picture.page import require_writable, save
    from schema.database import database_url
    from urbanclear.errors import ConfigurationError
    from urbanclear.settings import get_settings

    board = boards().get(name)
    if board is None:
        raise ConfigurationError(f"There is no dashboard {name}: choose one of {', '.join(boards())}.")
    require_writable(file)
    given: dict[str, list[str]] = {}
    for variable, equals, value in (one.partition("=") for one in choose or []):
        if not equals:
            raise ConfigurationError(f"--choose {variable} has no value: write it as `--choose {variable}=VALUE`.")
        given.setdefault(variable, []).append(value)
    with Console(stderr=True).status("asking"), as_analyst(database_url(get_settings())) as connection:
        save(answered(connection, board, _until_now(days), given), file)
    typer.echo(f"written: {file}")


def _until_now(days: float) -> "Shown":
    from grafana.expanding import Shown

    now = datetime.now(UTC)
    return Shown(now - timedelta(days=days), now, timedelta(days=days) / _POINTS)
