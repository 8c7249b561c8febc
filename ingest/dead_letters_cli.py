"""`urbanclear ingest dead-letters …`: see what was rejected, and send it again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from urbanclear.durations import parse_duration
from urbanclear.errors import ConfigurationError
from urbanclear.serving import asked
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from ingest.retrying import Report, Retry
    from schema.dead_letters import Letter, Listing, Wanted

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Messages that could not be stored.")

Reason = Annotated[str | None, typer.Option(help="only those rejected for this reason, such as future_time")]
Topic = Annotated[str | None, typer.Option(help="only those that came from this topic")]
Since = Annotated[str | None, typer.Option(help="only those rejected since, such as 1h or 7d ago")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command("list")
def list_letters(
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many, newest first")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="those that were retried too")] = False,
    as_json: AsJson = False,
) -> None:
    """Newest first, and how many there are of each reason."""
    from ingest.letter_text import listing_builtins
    from schema.dead_letters import newest
    from schema.topic_reader import open_reader

    wanted = _wanted(reason, topic, since)

    async def read() -> "Listing":
        async with open_reader(*_letters()) as reader:
            return await newest(reader, wanted, limit, closed_too=everything)

    listing = asked(read())
    if as_json:
        typer.echo(json.dumps(listing_builtins(listing), indent=2))
    else:
        _print(listing)


@app.command()
def show(
    number: Annotated[str, typer.Argument(metavar="ID", help="as `list` shows it, such as 0/17")],
    as_json: AsJson = False,
) -> None:
    """All of one letter: its value as JSON, as text, or in hexadecimal."""
    from ingest.letter_text import builtins_of, plain, whole
    from schema.dead_letters import fetch, parse_id
    from schema.topic_reader import open_reader

    wanted = parse_id(number)

    async def read() -> "Letter":
        async with open_reader(*_letters()) as reader:
            return await fetch(reader, wanted)

    letter = asked(read())
    told = builtins_of(letter)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name in ("id", "time", "reason", "detail", "origin"):
        typer.echo(f"{name + ':':<8} {plain(str(told[name]))}")
    typer.echo(whole(letter.value))


@app.command()
def retry(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="as `list` shows them")] = None,
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="all that are open")] = False,
    value: Annotated[str | None, typer.Option(help="the corrected message, for one letter")] = None,
    edit: Annotated[Path | None, typer.Option(help="file that holds the corrected message, for one letter")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be sent")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before --all")] = False,
) -> None:
    """Send letters again to the topics they came from, as they are or corrected; each is then closed."""
    from schema.dead_letters import parse_id

    if sum((bool(ids), reason is not None, everything)) != 1:
        raise ConfigurationError("Say which letters to retry: their ids, or --reason, or --all.")
    if ids and (topic or since):
        raise ConfigurationError("Ids say which letters to retry: leave --topic and --since out.")
    corrected = _corrected(value, edit, ids or [])
    if ids:
        _retry_ids([parse_id(number) for number in ids], corrected, dry_run=dry_run)
    else:
        _retry_all(_wanted(reason, topic, since), dry_run=dry_run, ask=everything and not yes)


def _retry_ids(ids: list[Any], corrected: bytes | None, *, dry_run: bool) -> None:
    from ingest.retrying import open_retrying

    async def send() -> "list[Retry]":
        async with open_retrying(_letters()[0]) as retrying:
            retries = await retrying.chosen(ids, corrected)
            if not dry_run:
                await retrying.send(retries)
            return retries

    for one in asked(send()):
        doing = "would go" if dry_run else "went"
        again = f"; it will be rejected again: {one.problem}" if one.problem else ""
        typer.echo(f"{one.letter.id} {doing} to {one.letter.came_from.topic if one.letter.came_from else ''}{again}")


def _retry_all(wanted: "Wanted", *, dry_run: bool, ask: bool) -> None:
    from ingest.progress_bar import progress_bar
    from ingest.retrying import open_retrying
    from schema.dead_letters import newest
    from schema.topic_reader import open_reader

    async def count() -> int:
        async with open_reader(*_letters()) as reader:
            return (await newest(reader, wanted, limit=0)).reasons.total()

    total = asked(count())
    if dry_run or not total:
        typer.echo(f"{total} open dead letters{' would be retried' if dry_run else ', none to retry'}")
        return
    if ask:
        typer.confirm(f"Retry {total} open dead letters?", abort=True)
    with progress_bar("dead letters") as show_progress:

        async def send() -> "Report":
            async with open_retrying(_letters()[0]) as retrying:
                return await retrying.send_all(wanted, lambda done: show_progress(done, total))

        report = asked(send())
    typer.echo(f"{report.sent} dead letters were sent again")
    if report.from_no_topic:
        typer.echo(f"{report.from_no_topic} came from no topic: mend them at their source")


def _letters() -> tuple[str, str]:
    from schema import topics
    from schema.database import kafka_bootstrap

    return kafka_bootstrap(get_settings()), topics.DEAD_LETTERS.name


def _wanted(reason: str | None, topic: str | None, since: str | None) -> "Wanted":
    from schema.dead_letters import Wanted

    begin = None if since is None else datetime.now(UTC) - parse_duration(since)
    return Wanted(reason, topic, begin)


def _corrected(value: str | None, edit: Path | None, ids: list[str]) -> bytes | None:
    """What is to be sent in place of the one letter's own bytes."""
    if value is None and edit is None:
        return None
    if len(ids) != 1 or (value is not None and edit is not None):
        raise ConfigurationError("A corrected message goes with one id: give one of --value and --edit.")
    if edit is None:
        return str(value).encode()
    try:
        return edit.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(f"{edit} cannot be read: {error.strerror}. Check the path.") from error


def _print(listing: "Listing") -> None:
    from ingest.letter_text import excerpt, plain

    total, shown = listing.reasons.total(), len(listing.letters)
    table = Table("id", "time", "reason", Column("origin", overflow="fold"), Column("begins", overflow="fold"))
    for letter in listing.letters:
        cells = (letter.reason, letter.origin, excerpt(letter.value))
        table.add_row(str(letter.id), f"{letter.time:%Y-%m-%d %H:%M:%S}", *(Text(plain(cell)) for cell in cells))
    if shown:
        Console().print(table)
    counts = ", ".join(f"{plain(reason) or 'no reason'} {count}" for reason, count in listing.reasons.most_common())
    typer.echo(f"{total} dead letters{': ' if counts else ''}{counts}")
    if shown < total:
        typer.echo(f"{total - shown} more: narrow them by --reason, --topic or --since, or raise --limit")
