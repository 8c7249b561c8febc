"""`urbanclear spark stream`."""

import asyncio
import threading
from typing import Annotated

import typer

from spark.options import Master
from urbanclear.serving import serve
from urbanclear.settings import Settings, get_settings

FromStart = Annotated[bool, typer.Option("--from-start", help="the first time, begin with all that Kafka has")]
Once = Annotated[bool, typer.Option("--once", help="end when all that Kafka has by now is looked at")]


def stream(from_start: FromStart = False, once: Once = False, master: Master = None) -> None:
    """Anomalies while they happen, from Kafka into anomalies, until stopped; it goes on where it stopped."""
    settings = get_settings()
    serve(lambda stop: _run(settings, stop, master, from_start=from_start, once=once), settings)


async def _run(settings: Settings, stop: asyncio.Event, master: str | None, *, from_start: bool, once: bool) -> None:
    stopping = threading.Event()
    running = asyncio.create_task(asyncio.to_thread(_stream, settings, stopping, master, from_start, once))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    waiting.cancel()
    await running


def _stream(settings: Settings, stop: threading.Event, master: str | None, from_start: bool, once: bool) -> None:
    from schema.database import database_url
    from spark.session import spark_session
    from spark.stream.progress import reporter
    from spark.stream.query import Stream

    with reporter(database_url(settings)) as report, spark_session(settings, "stream", master) as session:
        Stream(session, settings, from_start=from_start, once=once).run(stop, report)
