"""`urbanclear keys …`: made, listed and revoked where the database is."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from schema.scopes import Scope
from urbanclear.durations import parse_duration
from urbanclear.errors import ConfigurationError, StartError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from sqlalchemy import Executable

app = typer.Typer(no_args_is_help=True, help="The keys that the API is used with.")

NEVER = "never"
TABLE_WIDTH = 130  # dates are to be read whole


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="what it is for")],
    scope: Annotated[list[Scope], typer.Option(help="what it may do; each implies those before it")],
    expires: Annotated[str | None, typer.Option(help="how long it is accepted: 90d, 12h")] = None,
) -> None:
    """Make a key and print it, this once."""
    from schema.keys import check_name, creating, new_key

    expires_at = None if expires is None else datetime.now(UTC) + parse_duration(expires)
    key = new_key()
    if not _rows(creating(check_name(name), key, scope, expires_at)):
        raise ConfigurationError(f"A key named {name} is in use: revoke it first, or choose another name.")
    typer.echo(key)


@app.command(name="list")
def list_keys(
    everything: Annotated[bool, typer.Option("--all", help="those too that are revoked")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Name, scopes, and when each was made and last used; never the key."""
    from sqlalchemy import select

    from schema.keys import IN_USE, TOLD

    question = select(*TOLD).order_by(TOLD[0])
    rows = _rows(question if everything else question.where(IN_USE))
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=datetime.isoformat))
    else:
        console = Console()
        Console(width=max(console.width, TABLE_WIDTH)).print(_table(rows))


@app.command()
def revoke(which: Annotated[str, typer.Argument(metavar="NAME|ID", help="the key's name or number")]) -> None:
    """Refuse a key from now on."""
    from schema.keys import called, revoking

    revoked = _rows(revoking(called(which)))
    if not revoked:
        raise ConfigurationError(f"No key in use is called {which}: `urbanclear keys list` shows those there are.")
    typer.echo(
        f"revoked {revoked[0]['name']}; APIs refuse it within {get_settings().keys_refresh.total_seconds():g} s"
    )


def _rows(statement: "Executable") -> list[dict[str, Any]]:
    from sqlalchemy.exc import DBAPIError

    from schema.database import database_url, problem_of
    from schema.dialect import connectable

    try:
        with connectable(database_url(get_settings())).begin() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]
    except DBAPIError as error:
        raise StartError(f"The keys could not be read or changed: {problem_of(error.orig)}.") from error


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("id", "name", "key", "scopes", "created", "expires", "last used", "revoked")
    for row in rows:
        times = [row[name] for name in ("created_at", "expires_at", "last_used_at", "revoked_at")]
        told = [NEVER if time is None else f"{time:%Y-%m-%d %H:%M}" for time in times]
        table.add_row(str(row["id"]), row["name"], f"{row['hint']}…", " ".join(row["scopes"]), *told)
    return table
