"""Heartbeats: how a running part says that it is well, and how long that is believed."""

import asyncio
import os
import socket
from typing import Final

import psycopg

from schema.database import APPLICATION
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within

HEARTBEAT_SECONDS: Final = 5.0
WELL_SECONDS: Final = 20.0  # three missed beats and a slow disk

BEAT: Final = """
    INSERT INTO heartbeats (part, instance, time) VALUES (%s, %s, now())
    ON CONFLICT (part, instance) DO UPDATE SET time = excluded.time
"""


def instance_name() -> str:
    """This process among all of its part."""
    return f"{socket.gethostname()}/{os.getpid()}"


async def beat(part: str, database_url: str, stop: asyncio.Event) -> None:
    """Beat for this process until `stop` is set; the database away is logged and waited for."""
    log, instance = get_logger(part), instance_name()
    while not stop.is_set():
        try:
            async with await psycopg.AsyncConnection.connect(
                database_url, autocommit=True, connect_timeout=5, application_name=APPLICATION
            ) as connection:
                while not stop.is_set():
                    await connection.execute(BEAT, [part, instance])
                    await stopped_within(stop, HEARTBEAT_SECONDS)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning(f"{part}.database_away", error=str(error).strip(), retry_in_s=HEARTBEAT_SECONDS)
            await stopped_within(stop, HEARTBEAT_SECONDS)
