"""`urbanclear spark …`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

from spark.insights.cli import insights
from spark.nightly.cli import nightly
from spark.options import AsJson, Days, From, Master, Source, To
from spark.review.cli import review
from spark.sources.cli import read
from spark.stream.cli import stream
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Batch jobs on Spark, and a stream.")

FormatOption = Annotated[
    Literal["nab"] | None,
    typer.Option("--format", help="nab: score single series, files of that benchmark, without a database"),
]
Judge = Annotated[bool, typer.Option("--judge", help="with --format nab: the benchmark's score, by windows.json")]
Folder = Annotated[Path | None, typer.Option(help="folder of the files, with --format nab", show_default=False)]


@app.callback()
def jobs() -> None:
    """Each command is one job; it reads the database over JDBC or another --source, the stream Kafka, and writes its
    result tables."""


@app.command()
def patterns(
    start: From = None,
    end: To = None,
    days: Days = 28,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """What is normal: profiles by kind of day and quarter of an hour, rush hours, seasonality; into profiles and
    seasonality."""
    _run({"patterns": {}}, start, end, days, master, as_json, source)


@app.command()
def clusters(
    k: Annotated[
        int | None, typer.Option(help="how many clusters; by default as many as fit best", min=2, max=50)
    ] = None,
    start: From = None,
    end: To = None,
    days: Days = 28,
    picture: Annotated[
        Path | None, typer.Option(help=".png, .svg or .pdf to draw the clusters into", show_default=False)
    ] = None,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Group sensors by the shape of their week; into sensor_clusters and cluster_shapes."""
    from schema.database import database_url
    from spark.clusters.picture import draw, require_form

    if picture is not None:
        require_form(picture)
    _run({"clusters": {"k": k}}, start, end, days, master, as_json, source)
    if picture is not None:
        draw(database_url(get_settings()), picture)


@app.command()
def anomalies(
    start: From = None,
    end: To = None,
    days: Days = 28,
    source: Source = "database",
    master: Master = None,
    file_format: FormatOption = None,
    path: Folder = None,
    judge: Judge = False,
    as_json: AsJson = False,
) -> None:
    """Stretches in which sensors were not as they normally are, into anomalies; or a score for each row of files."""
    if file_format == "nab":
        _score_files(path, judge, as_json)
        return
    if path is not None or judge:
        raise ConfigurationError(
            "--path and --judge are for --format nab: say it too, or neither; --source names readings."
        )
    _run({"anomalies": {}}, start, end, days, master, as_json, source)


@app.command()
def maintenance(
    start: From = None,
    end: To = None,
    days: Days = 28,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Which sensors are likely to fail within 7 days, and why; into maintenance."""
    _run({"maintenance": {}}, start, end, days, master, as_json, source)


app.command()(insights)
app.command()(stream)
app.command()(read)
app.command()(review)
app.command()(nightly)


@app.command(name="all")
def every(
    start: From = None,
    end: To = None,
    days: Days = 7,
    source: Source = "database",
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """All jobs, one after the other, over one reading of the last 7 days; then insights of the days that ended in
    it."""
    from spark.jobs import JOBS

    _run({name: {} for name in JOBS}, start, end, days, master, as_json, source, with_insights=True)


@app.command()
def runs(
    limit: Annotated[int, typer.Option(help="how many, newest first", min=1)] = 20, as_json: AsJson = False
) -> None:
    """How the newest runs went."""
    from spark.runs import newest_runs

    found = newest_runs(get_settings(), limit)
    if as_json:
        typer.echo(json.dumps(found, indent=2, default=str))
        return
    table = Table(Column("run", no_wrap=True), "status", "started", "rows in", "rows out", "seconds", "error")
    for run in found:
        seconds = f"{sum(run['seconds'].values()):.0f}"
        numbers = (f"{run['rows_in']:,}", f"{run['rows_out']:,}", seconds)
        table.add_row(run["id"], run["status"], f"{run['started_at']:%Y-%m-%d %H:%M}", *numbers, run["error"] or "")
    Console().print(table)


def _score_files(folder: Path | None, judge: bool, as_json: bool) -> None:
    from spark.anomalies.nab import nab_score, scores_of
    from spark.anomalies.stream import ALARM_SCORE

    if folder is None:
        raise ConfigurationError("--format nab needs --path: name the folder of the series.")
    scores = scores_of(folder)
    if judge:
        score = nab_score(scores, folder)
        typer.echo(json.dumps({"nab_score": score}) if as_json else f"{score:.1f}")
        return
    if as_json:
        typer.echo(json.dumps(scores))
        return
    table = Table("file", "rows", "alarms")
    for name, found in scores.items():
        table.add_row(name, f"{len(found):,}", f"{sum(score >= ALARM_SCORE for score in found):,}")
    Console().print(table)


def _run(
    asked: Mapping[str, Mapping[str, object]],
    start: str | None,
    end: str | None,
    days: float,
    master: str | None,
    as_json: bool,
    named: str,
    *,
    with_insights: bool = False,
) -> None:
    from spark.insights.job import run_within
    from spark.jobs import run_jobs
    from spark.sources.opening import opened
    from spark.spans import Asked

    settings, lacking = get_settings(), None
    with opened(settings, named, Asked.of(start, end, days), " ".join(asked), master) as found:
        session, span, say = found.session, found.span, found.say
        runs = run_jobs(session, settings, asked, span, say, found.source)
        if with_insights:
            try:
                runs.append(run_within(session, settings, span, say))
            except ConfigurationError as reason:  # a city may be too young for them
                lacking = f"{reason}"
    _show([run.record() for run in runs], as_json)
    if lacking:
        typer.echo(f"Without insights: {lacking}", err=True)


def _show(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table(Column("run", no_wrap=True), "rows in", "rows out", "seconds", "by stage")
    for run in found:
        stages = ", ".join(f"{name.lower()} {seconds:.1f}" for name, seconds in run["seconds"].items())
        total = f"{sum(run['seconds'].values()):.1f}"
        table.add_row(run["id"], f"{run['rows_in']:,}", f"{run['rows_out']:,}", total, stages)
    Console().print(table)
    if unknown := found[0]["unknown_sensors"]:
        Console().print(f"{unknown:,} sensors of the source are not in the database and were left out.")
