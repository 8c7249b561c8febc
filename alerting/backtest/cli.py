"""`urbanclear alerting backtest`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from alerting.backtest.backtest import Backtest
    from schema.alerting.rules import Rule

SHOWN = 10

Name = Annotated[str, typer.Argument(help="of the rule", metavar="RULE")]
From = Annotated[str, typer.Option("--from", help="first time, RFC 3339; UTC without an offset")]
To = Annotated[str, typer.Option("--to", help="time just after the last")]
RuleFile = Annotated[Path | None, typer.Option(help="file of YAML that has the rule, in place of the one in force")]
Tolerance = Annotated[str, typer.Option(help="how long before and after an incident an alert is about it")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def backtest(
    rule: Name,
    start: From,
    until: To,
    rule_file: RuleFile = None,
    tolerance: Tolerance = "30m",
    as_json: AsJson = False,
) -> None:
    """Replay a rule over the past: when it would have fired, what that was about, and which bound would be better."""
    from alerting.backtest.backtest import backtest as backtested
    from alerting.command_database import with_database
    from alerting.conditions import Context
    from urbanclear.durations import parse_duration

    settings, span = get_settings(), (moment(start), moment(until))
    allowed = parse_duration(tolerance)

    async def work(engine: "AsyncEngine") -> "Backtest":
        async with engine.connect() as connection:
            wanted = _from_file(rule_file, rule) if rule_file else await rule_in_force(connection, rule)
            context = Context.of(settings, span[1])
            with _bar() as bar:
                task = bar.add_task(f"Replaying {rule}", total=1.0)
                return await backtested(
                    connection, wanted, *span, context, lambda share: bar.update(task, completed=share), allowed
                )

    result = with_database(settings, work)
    typer.echo(json.dumps(result.document(), indent=2)) if as_json else _show(result)


def moment(text: str) -> datetime:
    """A time as people write it; raises `ConfigurationError` for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no time: say 2018-01-01T00:00:00-05:00, or 2018-01-01.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _from_file(file: Path, name: str) -> "Rule":
    from alerting.definitions_files import read_files
    from schema.alerting.rules import Rule

    documents, problems = read_files([file])
    if problems:
        raise ConfigurationError("\n".join(["The file cannot be used:", *problems]))
    for one in documents:
        if one.name == name and isinstance(one.definition, Rule):
            return one.definition
    raise ConfigurationError(f"{file} has no rule {name}: it has {', '.join(one.name for one in documents)}.")


async def rule_in_force(connection: "AsyncConnection", name: str) -> "Rule":
    """The newest version; raises `ConfigurationError` where there is none."""
    from schema.alerting.definitions import current, kept
    from schema.alerting.rules import Rule

    row = (await connection.execute(current("rule", name))).mappings().one_or_none()
    if row is None:
        raise ConfigurationError(f"There is no rule {name}: `urbanclear alerting rules` lists those that there are.")
    return kept(row, Rule).definition


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _show(result: "Backtest") -> None:
    console = Console(soft_wrap=True)
    median = "" if result.median_minutes is None else f", in the median for {result.median_minutes:.0f} minutes"
    console.print(
        f"{result.rule} would have fired {_times(result.fired)} for {result.subjects_fired} of {result.subjects} "
        f"subjects{median}. {result.without_data_share:.1%} of what it looked at had no data.",
        highlight=False,
    )
    _show_days(console, result)
    _show_firings(console, result)
    _show_incidents(console, result)
    _show_trials(console, result)


def _show_days(console: Console, result: "Backtest") -> None:
    table = Table("day", Column("alerts", justify="right"), Column("minutes", justify="right"))
    for day in result.days:
        table.add_row(f"{day.day:%a %Y-%m-%d}", str(day.firings), f"{day.minutes:.0f}")
    console.print(table)


def _show_firings(console: Console, result: "Backtest") -> None:
    if not result.firings:
        return
    table = Table("from (UTC)", "to", "subject", Column("worst", justify="right"))
    for firing in result.firings[:SHOWN]:
        ended = "still" if firing.ended_at is None else f"{firing.ended_at:%Y-%m-%d %H:%M}"
        worst = firing.reason if firing.worst is None else f"{firing.worst:.3g}"
        table.add_row(f"{firing.fired_at:%Y-%m-%d %H:%M}", ended, firing.name, worst)
    console.print(table, markup=False)
    if result.fired > SHOWN:
        console.print(f"… and {result.fired - SHOWN} more: `--json` lists up to 1,000", markup=False, highlight=False)


def _show_incidents(console: Console, result: "Backtest") -> None:
    known = result.incidents
    if not known.incidents:
        console.print("No incident is known at these places and times: nothing to hold the alerts against.")
        return
    lead = "" if known.lead_minutes is None else f"; in the median {_lead(known.lead_minutes)}"
    console.print(
        f"Of {known.incidents} incidents at these places {known.found} were found (recall {_share(known.recall)}), "
        f"and {_share(known.precision)} of the alerts were about one (precision){lead}.",
        highlight=False,
    )


def _show_trials(console: Console, result: "Backtest") -> None:
    if not result.trials:
        return
    right: Sequence[str] = ("alerts", "a day", "precision", "recall", "lead, min")
    table = Table(Column("bound", justify="right"), *(Column(name, justify="right") for name in right))
    for trial in result.trials:
        lead = "–" if trial.lead_minutes is None else f"{trial.lead_minutes:.0f}"
        table.add_row(
            f"{trial.bound:g}",
            str(trial.firings),
            f"{trial.firings_per_day:.1f}",
            _share(trial.precision),
            _share(trial.recall),
            lead,
        )
    console.print(table)
    if result.suggestion is not None:
        console.print(
            f"Suggested: {result.suggestion.bound:g}, since {result.suggestion.reason}.",
            highlight=False,
            markup=False,
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _lead(minutes: float) -> str:
    return f"{abs(minutes):.0f} minutes {'before' if minutes >= 0 else 'after'} the report"
