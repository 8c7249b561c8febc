"""`urbanclear alerting apply`, `rules` and `policy`."""

import difflib
import getpass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Column, Table

from alerting.printed import json_text
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from alerting.applying import Difference
    from alerting.definitions_files import Written
    from schema.alerting.routing import Policy

Paths = Annotated[list[Path], typer.Argument(help="files of YAML, or folders of them", metavar="FILE|FOLDER …")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only show what would change")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def apply(paths: Paths, dry_run: DryRun = False) -> None:
    """Write rules, contacts and the policy from files, where they are not so already."""
    from alerting.command_database import with_database
    from alerting.definitions_files import read_files

    documents, problems = read_files(paths)
    if not documents and not problems:
        problems = ["there are no rules, contacts or policy in these files"]

    async def work(engine: "AsyncEngine") -> tuple[list["Difference"], list[str]]:
        return await _applied(engine, documents, problems, dry_run)

    found, warnings = with_database(get_settings(), work)
    console = Console(soft_wrap=True)
    for one in found:
        _show(console, one)
    for warning in warnings:
        console.print(warning, style="yellow", markup=False, highlight=False)
    written = sum(one.is_written for one in found)
    console.print(f"{written} of {len(found)} {'would be' if dry_run else 'were'} written.")


async def _applied(
    engine: "AsyncEngine", documents: list["Written"], problems: list[str], dry_run: bool
) -> tuple[list["Difference"], list[str]]:
    from alerting.applying import differences, problems_of, warnings_of, write_all

    async with engine.begin() as connection:
        problems = [*problems, *await problems_of(connection, documents)]
        if problems:
            raise ConfigurationError("\n".join(["Nothing was written:", *problems]))
        found = await differences(connection, documents, "file")
        warnings = await warnings_of(connection, documents, get_settings())
        if not dry_run:
            await write_all(connection, found, "file", getpass.getuser())
    return found, warnings


def _show(console: Console, one: "Difference") -> None:
    colours = {"new": "green", "changed": "yellow"}
    title = f"{one.what:8} {one.written.kind} {one.written.name}"
    console.print(title, style=colours.get(one.what, "dim"), markup=False, highlight=False)
    if one.replaces:
        console.print(f"         in place of {one.replaces}", markup=False, highlight=False)
    if one.what == "changed":
        before, after = (_lines(document) for document in (one.before, one.written.definition.document()))
        for line in list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]:
            console.print(f"         {line}", markup=False, highlight=False)


def _lines(document: dict[str, Any] | None) -> list[str]:
    text: str = yaml.safe_dump(document or {}, sort_keys=True, allow_unicode=True, width=100)
    return text.splitlines()


def rules(as_json: AsJson = False) -> None:
    """List the rules as they are now."""
    from alerting.command_database import with_database

    found = with_database(get_settings(), _rules)
    if as_json:
        typer.echo(json_text(found))
        return
    whole = ("rule", "kind", "priority", "on", "changed (UTC)")
    table = Table(*(Column(name, no_wrap=True) for name in whole), Column("by", overflow="fold"), box=None)
    for one in found:
        enabled = "yes" if one["enabled"] else "no"
        changed = f"{one['changed_at'].astimezone(UTC):%Y-%m-%d %H:%M}"
        priority = one["priority"].replace("_", " ")
        table.add_row(one["name"], one["kind"], priority, enabled, changed, one["changed_by"])
    Console().print(table, markup=False)


async def _rules(engine: "AsyncEngine") -> list[dict[str, Any]]:
    from sqlalchemy import select

    from schema.relations import alert_rules

    async with engine.connect() as connection:
        rows = (await connection.execute(select(alert_rules).order_by(alert_rules.c.name))).mappings().all()
    return [dict(row) for row in rows]


def policy() -> None:
    """Print the policy as a file for `apply`, which replaces it as a whole."""
    from alerting.command_database import with_database
    from alerting.definitions_files import policy_text

    typer.echo(policy_text(with_database(get_settings(), _policy)), nl=False)


async def _policy(engine: "AsyncEngine") -> "Policy":
    from schema.alerting.definitions import POLICY, current, kept
    from schema.alerting.routing import Policy

    async with engine.connect() as connection:
        row = (await connection.execute(current("policy", POLICY))).mappings().first()
    if row is None:
        raise ConfigurationError("There is no policy: `urbanclear alerting` writes the default one when it begins.")
    return kept(row, Policy).definition
