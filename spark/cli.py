"""`urbanclear spark …`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from urbanclear.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Batch jobs on Spark.")


@app.callback()
def jobs() -> None:
    """Each command is one job; it reads the database over JDBC and writes its result table."""


@app.command()
def clusters(
    k: Annotated[int, typer.Option(help="how many clusters", min=2, max=50)] = 4,
    days: Annotated[float, typer.Option(help="how far back from the newest reading", min=0.05)] = 7,
    time_zone: Annotated[str, typer.Option(help="whose hours of day count")] = "America/New_York",
    master: Annotated[str, typer.Option(help="local[*], spark://… or k8s://…")] = "local[*]",
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Group sensors by the shape of their day, into the table sensor_clusters."""
    from schema.database import database_url
    from spark.clusters import Options, newest_span, run
    from spark.session import spark_session

    settings = get_settings()
    url = database_url(settings)
    options, span = Options(k, time_zone), newest_span(url, days)
    console = Console(stderr=True)
    with console.status("Starting Spark") as status, spark_session(settings, "clusters", master) as session:
        status.update("Reading and grouping")
        found = run(session, url, span, options)
    if as_json:
        typer.echo(json.dumps([asdict(cluster) for cluster in found], indent=2))
        return
    table = Table("cluster", "sensors", "slowest hour", "speed then, share of the day's highest")
    for cluster in found:
        ratio = f"{cluster.slowest_ratio:.0%}"
        table.add_row(str(cluster.number), str(cluster.sensors), f"{cluster.slowest_hour}:00", ratio)
    Console().print(table)
