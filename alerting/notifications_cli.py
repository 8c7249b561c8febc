"""`urbanclear alerting notifications list` and `retry`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from alerting.delivery.desk import Desk

app = typer.Typer(no_args_is_help=True, help="What waits to be told, and what was given up.")

GivenUp = Annotated[bool, typer.Option("--given-up", help="those that nobody will be told of any more")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command("list")
def list_notifications(given_up: GivenUp = False, as_json: AsJson = False) -> None:
    """List the notifications that wait, the newest first, with what went wrong last."""
    with _desk() as desk:
        rows = desk.list("given_up" if given_up else "waiting")
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    table = Table("notification", "to", "tries", "since", "next try", "problem")
    for row in rows:
        again = f"{row['next_at']:%Y-%m-%d %H:%M:%S}" if row["state"] == "waiting" else "–"
        to = f"{row['contact']}, {row['kind']} {row['destination']}"
        table.add_row(row["id"], to, str(row["attempts"]), f"{row['created_at']:%Y-%m-%d %H:%M}", again, row["error"])
    Console().print(table, markup=False)


@app.command()
def retry(
    id_: Annotated[str | None, typer.Argument(metavar="ID", help="of one that was given up")] = None,
    all_: Annotated[bool, typer.Option("--all", help="all that were given up")] = False,
) -> None:
    """Have notifications that were given up tried anew, with the keys that they had."""
    if (id_ is None) != all_:
        raise ConfigurationError("Say the ID of one notification, or --all.")
    with _desk() as desk:
        count = desk.retry(id_)
    typer.echo(f"{count} {'notification is' if count == 1 else 'notifications are'} tried anew.")


@contextmanager
def _desk() -> "Iterator[Desk]":
    from alerting.delivery.desk import Desk
    from schema.database import database_url

    desk = Desk(database_url(get_settings()))
    try:
        yield desk
    finally:
        desk.close()
