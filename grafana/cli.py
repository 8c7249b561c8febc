"""`urbanclear grafana`: dashboards written as files, and brought into a Grafana."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Dashboards, data sources and alert rules of Grafana, as code.")

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
    from grafana.expanding import Shown
    from schema.database import database_url
    from urbanclear.settings import get_settings

    now = datetime.now(UTC)
    shown = Shown(now - timedelta(days=days), now, timedelta(days=days) / _POINTS)
    with Console(stderr=True).status("asking"):
        answers = list(ask_all(database_url(get_settings()), shown))
    if as_json:
        typer.echo(json.dumps([asdict(answer) for answer in answers]))
    else:
        table = Table("dashboard", "query", "rows", "ms", "problem")
        for one in sorted(answers, key=lambda answer: -answer.ms):
            table.add_row(one.asked.board, one.asked.title, str(one.rows), f"{one.ms:.0f}", one.problem)
        Console().print(table)
    if any(answer.problem for answer in answers):
        raise typer.Exit(1)
