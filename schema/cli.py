"""`urbanclear schema …`."""

import asyncio

import typer

from urbanclear.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="The database's and Kafka's side of the contract.")


@app.command()
def upgrade() -> None:
    """Bring the database to the newest schema and make the topics that are missing."""
    from schema.admin import create_topics
    from schema.database import database_url, kafka_bootstrap
    from schema.upgrade import upgrade

    settings = get_settings()
    typer.echo(f"schema at {upgrade(database_url(settings))}")
    if settings.kafka_bootstrap is None:
        typer.echo("no Kafka broker is set: topics left as they are")
        return
    made = asyncio.run(create_topics(kafka_bootstrap(settings), settings))
    typer.echo(f"topics made: {', '.join(made) or 'none, all were there'}")


@app.command()
def export_events() -> None:
    """Write the events' JSON Schemas beside the code."""
    from schema.export import export

    for file in export():
        typer.echo(file)
