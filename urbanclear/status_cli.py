"""`urbanclear status`."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from urbanclear.settings import Settings


def status(
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="of the stack to ask about")] = None,
) -> None:
    """Say how each part is; exits with 1 when one is unwell."""
    from urbanclear.status import gather

    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it says of a broker away is in the table
    settings = Settings.model_validate({"data_dir": data_dir} if data_dir else {})
    report = asyncio.run(gather(settings))
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(report["parts"])
    if not report["ok"]:
        raise typer.Exit(1)


def _print(parts: dict[str, dict[str, object]]) -> None:
    table = Table("part", "state", "details")
    for name, part in parts.items():
        details = part.get("problem") or ", ".join(_told(key, value) for key, value in part.items() if key != "ok")
        table.add_row(name, "[green]well[/green]" if part["ok"] else "[red]unwell[/red]", str(details))
    Console().print(table)


def _told(key: str, value: object) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name} {number:,}" for name, number in value.items()) or None
    unknown = "not counted, the database is busy" if key == "rows" else "–"
    return f"{key}: {unknown if value is None else value}"
