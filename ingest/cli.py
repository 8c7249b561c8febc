"""`urbanclear ingest` and `urbanclear source …`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from urbanclear.durations import parse_duration
from urbanclear.serving import serve
from urbanclear.settings import get_settings

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

ingest = typer.Typer(help="Kafka to the database.")
source = typer.Typer(no_args_is_help=True, help="Publish a feed to Kafka.")


@ingest.callback(invoke_without_command=True)
def run_ingest(context: typer.Context) -> None:
    """Store what Kafka carries in the database and keep its time series in order, until stopped."""
    if context.invoked_subcommand is not None:
        return
    from ingest.consumer import Consumer
    from schema.upkeep import Upkeep

    settings = get_settings()

    async def run(stop: asyncio.Event) -> None:
        await asyncio.gather(Consumer(settings).run(stop), Upkeep(settings).run(stop))

    serve(run, settings)


@source.command()
def simulator(
    history: Annotated[str, typer.Option(help="how much of the past to fill in first: 7d, 12h, 0s")] = "7d",
    interval: Annotated[str, typer.Option(help="how often each sensor reports")] = "10s",
    seed: Annotated[int, typer.Option(help="the same seed gives the same city")] = 1,
) -> None:
    """New York, simulated: some 200 links, rush hours, weather, incidents, sensors that fail."""
    from ingest.sources.run import run_simulator
    from ingest.sources.simulator.source import SimulatorOptions
    from schema.database import kafka_bootstrap

    settings = get_settings()
    options = SimulatorOptions(seed=seed, history=parse_duration(history), interval=parse_duration(interval))
    serve(lambda stop: run_simulator(kafka_bootstrap(settings), options, stop), settings)


@source.command()
def replay(
    path: Annotated[Path, typer.Argument(help="CSV, TSV (also .gz) or Parquet")],
    speed: Annotated[str, typer.Option(help="1x, 60x, … or max")] = "60x",
    file_format: Annotated[str | None, typer.Option("--format", help="else recognised by the columns")] = None,
    sensors: Annotated[Path | None, typer.Option(help="file that describes the sensors")] = None,
    start: Annotated[datetime | None, typer.Option(formats=TIMES, help="leave out what is before, in UTC")] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="leave out what is from then on, in UTC")
    ] = None,
) -> None:
    """A file of readings, at a multiple of the speed at which they were made."""
    from ingest.sources.replay.source import ReplaySource, parse_speed
    from ingest.sources.run import run_replay, show_replayed
    from schema.database import kafka_bootstrap

    settings = get_settings()
    feed = ReplaySource(
        path,
        format=file_format,
        sensors=sensors,
        speed=parse_speed(speed),
        start=start and start.replace(tzinfo=UTC),
        end=end and end.replace(tzinfo=UTC),
        progress=show_replayed,
    )
    serve(lambda stop: run_replay(kafka_bootstrap(settings), feed, stop), settings)
