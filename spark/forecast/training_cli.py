"""`urbanclear forecast train`, `evaluate` and `backtest`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from spark.options import AsJson, Days, From, Master, Source, SpeedFormat, To
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from spark.forecast.frame import Frame
    from spark.forecast.lifecycle import Outcome
    from spark.sources.opening import Opening

HeldOut = Annotated[int, typer.Option("--held-out", help="of the newest days, to score on", min=1)]
Seed = Annotated[int, typer.Option(help="the same seed and readings give the same model", min=0)]
FileFormat = Annotated[
    SpeedFormat | None,
    typer.Option("--format", help="judge on files of this form instead, without a database"),
]
Files = list[Path]


def train(
    start: From = None,
    end: To = None,
    days: Days = 35,
    held: HeldOut = 7,
    seed: Seed = 1,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="put it in place if it is the better one")
    ] = True,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Train a model on all but the newest days, score it on them, and put it in place if it beats the one there."""
    from schema.database import database_url
    from spark.forecast.lifecycle import City, train_and_promote
    from spark.forecast.registry import Registry
    from spark.forecast.roads import near_on_roads

    settings = get_settings()
    with Registry.of(settings) as registry:
        with _read(start, end, days, source, master) as (opened, frame):
            near = near_on_roads(database_url(settings), frame.sensors)
            city = City(frame, opened.span, held, settings.time_zone, settings.holidays, near)
        with _bar() as say:
            outcome = train_and_promote(registry, city, seed, say, promote=promote)
    _show_outcome(outcome, as_json)


def evaluate(
    name: Annotated[str | None, typer.Argument(help="of a model; by default the one in place")] = None,
    start: From = None,
    end: To = None,
    held: HeldOut = 7,
    source: Source = "database",
    master: Master = None,
    file_format: FileFormat = None,
    learned: Annotated[Files | None, typer.Option("--train", help="with --format: to learn from")] = None,
    apart: Annotated[Files | None, typer.Option("--validate", help="with --format: for the intervals")] = None,
    tested: Annotated[Files | None, typer.Option("--test", help="with --format: to judge on")] = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Score a model on the newest days beside the last value and what is usual; or train on files, and judge on
    others."""
    if file_format is not None:
        from spark.forecast.files import judge_files

        if not learned or not tested:
            raise ConfigurationError("--format needs --train and --test: name the files, each with its own option.")
        with _bar() as say:
            found = judge_files(file_format, learned, apart or [], tested, seed, say)
        _show_skill(found, as_json)
        return
    if learned or apart or tested:
        raise ConfigurationError("--train, --validate and --test are of files: say their --format too.")
    from spark.forecast.lifecycle import City, score, to_score
    from spark.forecast.registry import Registry

    settings = get_settings()
    with Registry.of(settings) as registry:
        entry = to_score(registry, name)
        with _read(start, end, held + 1, source, master) as (opened, frame):
            city = City(frame, opened.span, held, settings.time_zone, settings.holidays)
        with _bar() as say:
            say("Judging", 1)
            outcome = score(registry, city, entry)
    _show_outcome(outcome, as_json)


def backtest(
    weeks: Annotated[int, typer.Option(help="how many of the last weeks to judge on", min=1)] = 4,
    start: From = None,
    end: To = None,
    days: Days = 63,
    seed: Seed = 1,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Train anew before each of the last weeks and judge on it: what forecasts would have been worth."""
    from schema.database import database_url
    from spark.forecast.backtest import backtest as run
    from spark.forecast.roads import near_on_roads

    settings = get_settings()
    with _read(start, end, days, source, master) as (opened, frame):
        opened.say(f"Training before each of {weeks} weeks")
        near = near_on_roads(database_url(settings), frame.sensors)
        found = run(opened.session, frame, weeks, seed, settings.time_zone, settings.holidays, near)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for week in found:
        typer.echo(f"Week from {week['week']}, learned from {week['days_learned_from']} days:")
        _show_skill(week, as_json=False)


@contextmanager
def _bar() -> Iterator[Callable[[str, float], None]]:
    """A bar of how far it is; without a terminal a line for each stage."""
    console = Console(stderr=True)
    if not console.is_terminal:
        stages = [""]

        def tell(stage: str, done: float) -> None:
            if stage != stages[-1]:
                typer.echo(f"{done:.0%} {stage}", err=True)
                stages.append(stage)

        yield tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Starting", total=1.0)
        yield lambda stage, done: progress.update(task, description=stage, completed=done)


@contextmanager
def _read(
    start: str | None, end: str | None, days: float, named: str, master: str | None
) -> "Iterator[tuple[Opening, Frame]]":
    """Speeds of the span asked for, read by Spark."""
    from schema.database import database_url
    from spark.forecast.reading import frame_of
    from spark.sources.opening import opened
    from spark.spans import Asked

    settings = get_settings()
    with opened(settings, named, Asked.of(start, end, days), "forecast", master) as found:
        found.say("Reading")
        frame = frame_of(database_url(settings), found.source, found.span, settings.time_zone, settings.holidays)
        yield found, frame


def _show_outcome(outcome: "Outcome", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(outcome.record(), indent=2))
        return
    _show_skill(outcome.skill, as_json=False)
    typer.echo(outcome.against or f"{outcome.entry.name}: {outcome.entry.state.replace('_', ' ')}.")


def _show_skill(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("minutes ahead", f"MAE, {found['unit']}", "RMSE", "MAPE, %", "last value", "usual", "in interval")
    for minutes in (number for number in range(5, 61, 5) if f"mae_{number}" in found):
        told = (f"{part}_{minutes}" for part in ("mae", "rmse", "mape", "last_value_mae", "usual_mae", "coverage_90"))
        table.add_row(str(minutes), *(str(found[name]) for name in told))
    Console().print(table)
