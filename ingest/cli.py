"""`urbanclear ingest` and `urbanclear source …`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from ingest.dead_letters_cli import app as dead_letters
from urbanclear.durations import parse_duration
from urbanclear.serving import serve
from urbanclear.settings import get_settings

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

ingest = typer.Typer(help="Kafka to the database.")
ingest.add_typer(dead_letters, name="dead-letters")
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
    interval: Annotated[str, typer.Option(help="how often each sensor reports: 10s, 1s, 0.5s")] = "10s",
    seed: Annotated[int, typer.Option(help="the same seed gives the same city")] = 1,
    sensors: Annotated[int | None, typer.Option(help="how many, up to 50000; else one on each of 526 links")] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="what is staged: a name or TOML file; repeatable")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="where to write what readings hide: a folder, or a .parquet or .csv.gz file"),
    ] = None,
) -> None:
    """New York, simulated: rush hours, weather, incidents, scenarios, sensors that fail."""
    from ingest.sources.run import run_simulator
    from ingest.sources.simulator.source import SimulatorOptions
    from schema.database import kafka_bootstrap

    settings = get_settings()
    options = SimulatorOptions(
        seed=seed,
        sensors=sensors,
        scenarios=tuple(scenario or ()),
        history=parse_duration(history),
        interval=parse_duration(interval),
        truth=truth,
    )
    serve(lambda stop: run_simulator(kafka_bootstrap(settings), options, stop), settings)


@source.command()
def truth(
    place: Annotated[Path, typer.Argument(help="a folder, or a .parquet or .csv.gz file")],
    start: Annotated[datetime, typer.Option("--from", formats=TIMES, help="the first time, in UTC")],
    end: Annotated[datetime, typer.Option("--to", formats=TIMES, help="just after the last, in UTC")],
    interval: Annotated[str, typer.Option(help="how often each sensor reports")] = "5m",
    seed: Annotated[int, typer.Option(help="the same seed gives the same city")] = 1,
    sensors: Annotated[int | None, typer.Option(help="how many, up to 50000; else one on each of 526 links")] = None,
) -> None:
    """What the simulated city says in a span, and what that hides, as files alone: nothing is published."""
    from ingest.progress_bar import progress_bar
    from ingest.sources.simulator.model import Simulator
    from ingest.sources.simulator.truth import open_truth, times_of

    times = times_of(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), parse_duration(interval))
    city = Simulator(seed, sensors)
    with progress_bar(place.name) as progress, open_truth(place) as written:
        for number, time in enumerate(times, 1):
            written.add(city.truth(time))
            progress(number, len(times))


@source.command()
def live(
    name: Annotated[str, typer.Argument(help="one of those that `urbanclear source feeds` lists")],
    url: Annotated[str | None, typer.Option(help="another address than the feed's public one")] = None,
    every: Annotated[str | None, typer.Option(help="how often to ask, such as 60s or 5m")] = None,
    called: Annotated[str | None, typer.Option("--as", help="what ids begin with, to run one feed twice")] = None,
) -> None:
    """A public feed: asked again and again, and what is new is published."""
    from ingest.sources.live import feeds
    from ingest.sources.run import run_live
    from schema.database import kafka_bootstrap

    settings = get_settings()
    feed = feeds.named(name) if called is None else feeds.renamed(feeds.named(name), called)
    interval = None if every is None else parse_duration(every)
    serve(lambda stop: run_live(kafka_bootstrap(settings), feed, settings, stop, url=url, every=interval), settings)


@source.command()
def mqtt(
    broker: Annotated[str, typer.Option(help="mqtt://user@host:1883, or mqtts:// for TLS")],
    topic: Annotated[str, typer.Option(help="filter of topics, such as 'city/+/readings'")],
    sensor_from_topic: Annotated[
        str | None, typer.Option(help="source that names a sensor without one, with the level of the topic's +")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="name of the session; one process has it at a time")] = None,
    version: Annotated[Literal["5", "3.1.1"], typer.Option(help="of MQTT that the broker speaks")] = "5",
) -> None:
    """Readings that devices publish to an MQTT broker."""
    from ingest.sources.mqtt.broker import Broker, session_name
    from ingest.sources.mqtt.payload import SensorLevel
    from ingest.sources.mqtt.source import MqttSource
    from ingest.sources.run import run_mqtt
    from schema.database import kafka_bootstrap

    settings = get_settings()
    level = None if sensor_from_topic is None else SensorLevel.of(topic, sensor_from_topic)
    place = Broker.parse(broker, client_id or session_name(topic), version)
    feed = MqttSource(place, topic, settings, level=level)
    serve(lambda stop: run_mqtt(kafka_bootstrap(settings), feed, stop), settings)


@source.command("feeds")
def list_feeds() -> None:
    """The live feeds: name, address, interval, and what each is."""
    from ingest.sources.live.feeds import ALL
    from urbanclear.settings import as_text

    for feed in ALL:
        typer.echo(f"{feed.name}  every {as_text(feed.every)}  {feed.url or 'say --url'}\n    {feed.about}")


@source.command()
def replay(
    path: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet, JSON lines or XML; also .gz or .zip")],
    speed: Annotated[str | None, typer.Option(help="1x, 60x, … or max")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="else recognised by the columns")] = None,
    sensors: Annotated[Path | None, typer.Option(help="file that describes the sensors")] = None,
    start: Annotated[datetime | None, typer.Option(formats=TIMES, help="leave out what is before, in UTC")] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="leave out what is from then on, in UTC")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="again and again, each round moved on by its length")] = False,
    shift_to_now: Annotated[bool, typer.Option("--shift-to-now", help="moved so that the first is due now")] = False,
    align: Annotated[Literal["week"] | None, typer.Option(help="moved by whole weeks only")] = None,
) -> None:
    """A file of readings, at a multiple of the speed at which they were made."""
    from ingest.progress_bar import progress_bar
    from ingest.sources.replay import ReplaySource, parse_speed, usual_speed
    from ingest.sources.run import run_replay, show_replayed
    from schema.database import kafka_bootstrap
    from schema.retention import Retention

    settings = get_settings()
    with progress_bar(path.name, show_replayed) as progress:
        feed = ReplaySource(
            path,
            format=file_format,
            sensors=sensors,
            speed=parse_speed(speed) if speed else usual_speed(to_now=shift_to_now, align=align),
            start=start and start.replace(tzinfo=UTC),
            end=end and end.replace(tzinfo=UTC),
            loop=loop,
            shift_to_now=shift_to_now,
            align=align,
            zone=settings.time_zone,
            kept_from=Retention.of(settings).oldest_accepted(settings),
            progress=progress,
        )
        serve(lambda stop: run_replay(kafka_bootstrap(settings), feed, stop), settings)
