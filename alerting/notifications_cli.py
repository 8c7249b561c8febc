"""`urbanclear alerting notifications list` and `retry`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerting.printed import json_text
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
        typer.echo(json_text(rows))
        return
    for row in rows:
        typer.echo("\n    ".join([row["id"], *_lines(row)]))
    if not rows:
        typer.echo("No notification was given up." if given_up else "No notification waits.")


def _lines(row: dict[str, Any]) -> list[str]:
    """What there is to say of one, below its id."""
    since, again = (f"{row[name].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" for name in ("created_at", "next_at"))
    tries = f"{row['attempts']} {'try' if row['attempts'] == 1 else 'tries'} since {since}"
    told = [
        f"to {row['contact']}, {row['kind']} {row['destination']}",
        f"{tries}, next try {again}" if row["state"] == "waiting" else tries,
    ]
    return [*told, row["error"]] if row["error"] else told


@app.command()
def retry(
    id_: Annotated[
        str | None, typer.Argument(metavar="ID", help="one that was given up, or how only it begins")
    ] = None,
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
