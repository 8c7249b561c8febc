"""The process behind `urbanclear forecast serve`: readings from Kafka, predictions to Kafka and the database.

    traffic.readings ─► state ─► models ─► traffic.predictions     each full minute all sensors; in between those
                                     └───► predictions              that had a reading, to Kafka alone

A full minute is predicted a moment after it ended, so that its readings have come. In between, the hour that is
looked at ends with the minute that runs, and all sensors are predicted together, since a model may look at
neighbours; those that had readings are told. The pause between two such rounds grows with what they take.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from aiokafka import ConsumerRecord

from schema.database import APPLICATION, database_url, kafka_bootstrap, problem_of
from schema.events import Prediction
from schema.heartbeat import beat
from spark.forecast.serving import metrics
from spark.forecast.serving.following import Following
from spark.forecast.serving.made import BETWEEN, Made
from spark.forecast.serving.models import Models
from spark.forecast.serving.observed import EPOCH, Observed, readings_in
from spark.forecast.serving.recovery import described, recover, since
from spark.forecast.serving.state import AHEAD, KEPT, State
from spark.forecast.serving.store import Store
from spark.forecast.serving.storing import Storing
from spark.forecast.serving.telling import Telling
from spark.forecast.window import STEP
from urbanclear.errors import StartError
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

PART: Final = "forecast"
MINUTE: Final = timedelta(minutes=1)
GRACE: Final = timedelta(seconds=1)  # for the last readings of a minute to come
LOOK_SECONDS: Final = 60.0  # for another model, other profiles, other sensors
LEAST_PAUSE_SECONDS: Final = 0.5
MOST_PAUSE_SECONDS: Final = 1.5
BUSY: Final = 0.25  # of the time, at most, goes into predicting between full minutes
STOP_SECONDS: Final = 2.0  # a part of the stack has 3

log = get_logger(PART)


@dataclass
class Changed:
    """Sensors that had readings since they were last predicted, and when Kafka had the first of these."""

    sensors: set[str] = field(default_factory=set)
    since_s: float = float("inf")


class Serving:
    """One process; `run` until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = database_url(settings)
        self._ahead = min(settings.future_tolerance, AHEAD)
        self._state = State()
        self._models = Models(settings)
        self._following = Following(kafka_bootstrap(settings), self._take)
        self._telling = Telling(kafka_bootstrap(settings))
        self._store = Store(self._url)
        self._storing = Storing(self._store)
        self._changed = Changed()

    async def run(self, stop: asyncio.Event) -> None:
        """Raises `StartError` where the database has another schema, `KafkaConnectionError` where no broker answers
        at the start."""
        started = await self._recover()
        await self._following.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(work)
                    for work in (
                        self._following.run(started, stop),
                        self._predict(stop),
                        self._storing.run(stop),
                        self._look(stop),
                        beat(PART, self._url, stop),
                    )
                ]
                await stop.wait()
                await asyncio.wait(tasks, timeout=STOP_SECONDS)
                for task in tasks:
                    task.cancel()
        finally:
            await self._telling.close()
            self._store.close()
        log.info("forecast.stopped")

    async def _recover(self) -> datetime:
        """From when on Kafka is to be read: all of the last minutes where the database is away."""
        now, began = datetime.now(UTC), time.perf_counter()
        try:
            started = await asyncio.to_thread(self._recovered, now)
        except psycopg.OperationalError as error:
            log.warning("forecast.database_away", error=str(error).strip(), goes_on_with="Kafka alone")
            started = since([], now)
        except psycopg.ProgrammingError as error:
            raise StartError(f"Forecasts cannot use the database: {problem_of(error)}.") from error
        seconds = round(time.perf_counter() - began, 2)
        log.info("forecast.started", model=self._models.name, kafka_from=started.isoformat(), seconds=seconds)
        return started

    def _recovered(self, now: datetime) -> datetime:
        with self._connect() as connection:
            started = recover(connection, self._state, now)
        self._models.refresh()
        return started

    def _take(self, records: Sequence[ConsumerRecord]) -> None:
        now = datetime.now(UTC)
        oldest, newest = now - KEPT, now + self._ahead
        found = []
        for record in records:
            readings, unusable = readings_in(record.value or b"")
            found += [one for one in readings if oldest <= one.time <= newest]
            metrics.UNUSABLE.inc(unusable)
        added = self._state.add(Observed.of(found))
        if added.readings:
            metrics.READINGS.inc(added.readings)
            self._changed.sensors |= added.sensors
            self._changed.since_s = min(self._changed.since_s, records[0].timestamp / 1_000)

    async def _predict(self, stop: asyncio.Event) -> None:
        """Each full minute, the first as soon as all is known that there is, and in between."""
        while not self._following.caught_up.is_set():
            if await stopped_within(stop, LEAST_PAUSE_SECONDS / 10):
                return
        self._changed = Changed()  # the first round tells all
        told, pause = _minute(datetime.now(UTC) - GRACE) - MINUTE, 0.0
        while not await stopped_within(stop, max(LEAST_PAUSE_SECONDS, pause)):
            now = datetime.now(UTC)
            minute = _minute(now - GRACE)
            began = time.perf_counter()
            if minute > told:
                await self._predict_minute(minute)
                told = minute
            elif self._changed.sensors:
                await self._predict_changed(now)
            pause = min(MOST_PAUSE_SECONDS, (time.perf_counter() - began) * (1 - BUSY) / BUSY)

    async def _predict_minute(self, minute: datetime) -> None:
        if minute == _step(minute):
            await asyncio.to_thread(self._models.learn, self._state.window(minute))
        made = await self._made(minute, minute)
        metrics.SENSORS.set(len(made.sensors))
        metrics.MADE.set(minute.timestamp())
        if made.sensors:
            self._storing.put(made)
            await self._tell(made.predictions())

    async def _predict_changed(self, now: datetime) -> None:
        changed, self._changed = self._changed, Changed()
        made = await self._made(_minute(now) + MINUTE, now)
        if await self._tell(made.predictions(changed.sensors, BETWEEN)):
            metrics.DELAY_SECONDS.observe(max(0.0, time.time() - changed.since_s))

    async def _made(self, end: datetime, at: datetime) -> Made:
        window, began = self._state.window(end), time.perf_counter()
        forecast = await asyncio.to_thread(self._models.forecast, window)
        metrics.PREDICT_SECONDS.observe(time.perf_counter() - began)
        return Made.of(window, forecast, at)

    async def _tell(self, predictions: Iterable[Prediction]) -> bool:
        """Whether Kafka has them."""
        told = list(predictions)
        for model, count in Counter(one.model for one in told).items():
            metrics.PREDICTIONS.labels(model).inc(count)
        return await self._telling.tell(told)

    async def _look(self, stop: asyncio.Event) -> None:
        """For another model in place, other profiles, and what is new about sensors."""
        pause = 0.0
        while not await stopped_within(stop, pause):
            pause = LOOK_SECONDS
            try:
                await asyncio.to_thread(self._models.refresh)
                await asyncio.to_thread(self._models.warm)
                self._state.describe(await asyncio.to_thread(self._described))
            except psycopg.Error as error:
                log.warning("forecast.not_refreshed", error=str(error).strip(), retry_in_s=LOOK_SECONDS)

    def _described(self) -> list[Any]:
        with self._connect() as connection:
            return described(connection)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, autocommit=True, connect_timeout=5, application_name=APPLICATION)


def _step(time: datetime) -> datetime:
    """When the step began that `time` is in."""
    return EPOCH + (time - EPOCH) // STEP * STEP


def _minute(time: datetime) -> datetime:
    """The full minute that began last."""
    return EPOCH + (time - EPOCH) // MINUTE * MINUTE
