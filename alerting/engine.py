"""The alerting process: of several one leads, evaluates rules, tells people and Kafka, and works off requests.

Whatever the database refuses while it leads ends that, and it begins anew with what is kept: there is one way to
recover, and it is the way it starts.
"""

import asyncio
from datetime import timedelta
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.applying import seed_defaults
from alerting.database import connected
from alerting.delivery import Delivery
from alerting.dispatch.process import Dispatcher
from alerting.evaluation import Evaluator
from alerting.forgetting import keep_forgetting
from alerting.leadership import lead
from alerting.relay import Relay
from alerting.requests import Requests
from schema.database import APPLICATION, database_url, kafka_bootstrap
from schema.heartbeat import beat
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

PART: Final = "alerting"
BEGINS_ANEW_AFTER: Final = timedelta(seconds=2)
INCIDENTS: Final = "incidents_changed"
"""What the database notifies of when an incident is written."""

log = get_logger(PART)


class Engine:
    """One alerting process: `run` until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._url = settings, database_url(settings)
        self._bootstrap = kafka_bootstrap(settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Beat, and lead or wait to, until `stop` is set."""
        engine = connected(self._url)
        try:
            await asyncio.gather(beat(PART, self._url, stop), self._lead(engine, stop))
        finally:
            await engine.dispose()

    async def _lead(self, engine: AsyncEngine, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await lead(engine, lambda epoch, ending: self._work(engine, epoch, ending), stop)
            except* (DBAPIError, NoConnection, psycopg.Error, OSError, TimeoutError) as problems:
                again = BEGINS_ANEW_AFTER.total_seconds()
                log.warning("alerting.database_away", error=str(problems.exceptions[0]).strip(), retry_in_s=again)
                await stopped_within(stop, again)

    async def _work(self, engine: AsyncEngine, epoch: int, stop: asyncio.Event) -> None:
        if self._settings.alert_defaults:
            await seed_defaults(engine)
        evaluator = Evaluator(engine, self._settings, epoch)
        delivery = Delivery(self._url, self._settings, epoch=epoch)
        dispatcher = Dispatcher(engine, epoch, wake=evaluator.told, written=delivery.wake)
        async with asyncio.TaskGroup() as tasks:
            for work in (
                evaluator.run(stop),
                dispatcher.run(stop),
                delivery.run(stop),
                Relay(engine, self._bootstrap).run(stop),
                Requests(self._settings).run(stop),
                keep_forgetting(engine, epoch, self._settings.alerts_retention, stop),
                self._listen(evaluator.incidents, stop),
            ):
                tasks.create_task(work)

    async def _listen(self, changed: asyncio.Event, stop: asyncio.Event) -> None:
        """Set `changed` whenever the database says that incidents changed."""
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=f"{APPLICATION}-{PART}"
        ) as connection:
            await connection.execute(f"LISTEN {INCIDENTS}")
            while not stop.is_set():
                async for _ in connection.notifies(timeout=1.0, stop_after=1):
                    changed.set()
