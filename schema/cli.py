"""`urbanclear schema …`."""

import asyncio
import json
from datetime import date, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="The database's and Kafka's side of the contract.")


@app.command()
def upgrade() -> None:
    """Bring the database to the newest schema and make the topics that are missing."""
    from schema.admin import create_topics
    from schema.database import database_url, kafka_bootstrap
    from schema.upgrade import upgrade

    settings = get_settings()
    typer.echo(f"schema at {upgrade(database_url(settings), settings)}")
    if settings.kafka_bootstrap is None:
        typer.echo("no Kafka broker is set: topics left as they are")
        return
    made = asyncio.run(create_topics(kafka_bootstrap(settings), settings))
    typer.echo(f"topics made: {', '.join(made) or 'none, all were there'}")


@app.command()
def check() -> None:
    """Say where the database has drifted from what this version makes of it; exit code 1 when it has."""
    from schema.check import find_drift
    from schema.database import database_url

    settings = get_settings()
    drift = find_drift(database_url(settings), settings)
    for line in drift:
        typer.echo(line)
    if drift:
        raise typer.Exit(1)
    typer.echo("no drift")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False) -> None:
    """Chunks, sizes, how far rollups are refreshed, recurring jobs; exit code 1 when a job's last run failed."""
    from schema.database import database_url
    from schema.status import fetch_status, tables, to_builtins

    found = asyncio.run(fetch_status(database_url(get_settings())))
    if as_json:
        typer.echo(json.dumps(to_builtins(found), indent=2))
    else:
        for table in tables(found):
            Console().print(table)
    if any(job.error for job in found.jobs):
        raise typer.Exit(1)


@app.command()
def reprocess(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first day")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last day")],
) -> None:
    """Compute rollups and measures of the past anew, under the definitions in force now."""
    from schema.database import database_url
    from schema.measures import Definition
    from schema.reprocess import reprocess

    if end < start:
        raise ConfigurationError(f"--to {end:%Y-%m-%d} is before --from {start:%Y-%m-%d}: swap them.")
    settings = get_settings()
    days = [start.date() + timedelta(days=number) for number in range((end - start).days + 1)]
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("days", total=len(days))

        def done(day: date) -> None:
            progress.advance(bar)

        found = asyncio.run(reprocess(database_url(settings), settings, days, done))
    typer.echo(f"{len(days)} days computed anew, {found} of them with readings, by {Definition.of(settings)}")


@app.command()
def export_events() -> None:
    """Write the events' JSON Schemas beside the code."""
    from schema.export import export

    for file in export():
        typer.echo(file)
