"""The alerting process. It says that it is well; rules are not evaluated yet."""

import asyncio

import psycopg

from schema.database import APPLICATION, database_url
from schema.heartbeat import BEAT, HEARTBEAT_SECONDS, instance_name
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

log = get_logger("alerting")


class Engine:
    """One alerting process: `run` until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._url = database_url(settings)
        self._instance = instance_name()

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set; the database away is logged and waited for."""
        while not stop.is_set():
            try:
                await self._beat_until(stop)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("alerting.database_away", error=str(error).strip(), retry_in_s=HEARTBEAT_SECONDS)
                await stopped_within(stop, HEARTBEAT_SECONDS)

    async def _beat_until(self, stop: asyncio.Event) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=APPLICATION
        )
        async with connection:
            while not stop.is_set():
                await connection.execute(BEAT, ["alerting", self._instance])
                await stopped_within(stop, HEARTBEAT_SECONDS)
