"""What forecasts now: the model in place, as the registry has it, corrected, on what is said without one.

A new model in place is taken up when it is next looked for; one whose file is of no use is said so once, and the one
before it goes on. So does all that is known while the database is away.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import psycopg

from schema.database import APPLICATION, database_url
from spark.calendar import Calendar
from spark.forecast.conditions import Now
from spark.forecast.fallback import Chain, LastValue, Profile
from spark.forecast.model import Model
from spark.forecast.registry import Entry, Registry
from spark.forecast.serving import metrics
from spark.forecast.serving.corrected import Corrected
from spark.forecast.window import HORIZONS, Forecast, Forecaster, Window
from urbanclear.errors import ModelUnavailable
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

_PROFILES_OF: Final = """
    SELECT max(id) FROM spark_runs
    WHERE job = 'patterns' AND ended_at = (
        SELECT max(ended_at) FROM spark_runs WHERE job = 'patterns' AND status = 'succeeded'
    )
"""
_NOTHING: Final = np.float32(np.nan)

log = get_logger("forecast")


class Models:
    """A `Forecaster` whose parts `refresh` renews. Each is replaced whole: the two may be called by two threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._calendar = Calendar(settings.time_zone, settings.holidays)
        self._entry: Entry | None = None
        self._refused: str | None = None  # the hash of what could not be loaded
        self._model: Forecaster | None = None
        self._profiles_of: str | None = None
        self._now = Now()
        self._profile: Profile | None = None

    @property
    def name(self) -> str:
        return self._links()[0].name

    def forecast(self, window: Window) -> Forecast:
        """Of the sensors in `window`, each by the first that can say something of it."""
        if not window.sensors:
            nothing = np.empty((0, HORIZONS), np.float32)
            return Forecast(nothing, nothing, nothing, ())
        return Chain(self._links()).forecast(self._now.on(window))

    def learn(self, window: Window) -> None:
        """Correct what is told from now on by what `window` shows, whose end is that of a step."""
        model = self._model
        if isinstance(model, Corrected) and window.sensors:
            with _watched(model.name):
                model.learn(self._now.on(window))

    def warm(self) -> None:
        """Let a model that has just been taken up learn from the last day; raises `psycopg.Error`."""
        model = self._model
        if not isinstance(model, Corrected) or model.is_warm:
            return
        began = time.perf_counter()
        with self._connect() as connection, _watched(model.name):
            model.warm(connection, datetime.now(UTC))
            log.info("forecast.corrected", model=model.name, seconds=round(time.perf_counter() - began, 1))

    def refresh(self) -> None:
        """Look for another model in place, other profiles, weather and incidents; raises `psycopg.Error` where that
        fails."""
        with self._connect() as connection:
            self._now = Now.of(connection, datetime.now(UTC))
            self._refresh_model(Registry(connection, self._settings.models_dir))
            self._refresh_profile(connection)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            database_url(self._settings), autocommit=True, connect_timeout=5, application_name=APPLICATION
        )

    def _links(self) -> Sequence[Forecaster]:
        model = [] if self._model is None else [Guarded(self._model)]
        profile = [] if self._profile is None else [self._profile]
        return [*model, *profile, LastValue()]

    def _refresh_model(self, registry: Registry) -> None:
        entry = registry.in_place()
        if entry is None:
            self._take(None, None)
        elif self._entry is None or (entry.name, entry.sha256) != (self._entry.name, self._entry.sha256):
            try:
                self._take(entry, registry.load(entry))
            except ModelUnavailable as error:
                self._refuse(entry, error)

    def _take(self, entry: Entry | None, model: Forecaster | None) -> None:
        self._refused = None
        if entry == self._entry:
            return
        self._entry, self._model = entry, Corrected(model) if isinstance(model, Model) else model
        metrics.MODEL.clear()
        if model is not None:
            metrics.MODEL.labels(model.name).set(1)
        log.info("forecast.model", name=self.name)

    def _refuse(self, entry: Entry, error: ModelUnavailable) -> None:
        """Said once of each file, and counted each time."""
        metrics.MODEL_FAILURES.labels("load").inc()
        if self._refused != entry.sha256:
            log.error("forecast.model_unavailable", model=entry.name, error=str(error), goes_on_with=self.name)
        self._refused = entry.sha256

    def _refresh_profile(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(_PROFILES_OF).fetchone()
        run = row[0] if row else None
        if run != self._profiles_of:
            self._profile = Profile.of(connection, self._calendar)
            self._profiles_of = run
            log.info("forecast.profiles", sensors=len(self._profile.sensors), run=run)


class Guarded:
    """A model that says nothing where it fails, whatever its file brought."""

    def __init__(self, model: Forecaster) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    def forecast(self, window: Window) -> Forecast:
        with _watched(self.name):
            found = self._model.forecast(window)
            _check(found, window)
            return found
        nothing = np.full((len(window.sensors), HORIZONS), _NOTHING)
        return Forecast(nothing, nothing, nothing, (self.name,) * len(window.sensors))


@contextmanager
def _watched(model: str) -> Iterator[None]:
    """Whatever fails of a model is counted and told: it is not our code that runs in its file. The database's errors
    are the database's."""
    try:
        yield
    except psycopg.Error:
        raise
    except Exception as error:  # noqa: BLE001
        metrics.MODEL_FAILURES.labels("forecast").inc()
        log.error("forecast.model_failed", model=model, error=repr(error))


def _check(found: Forecast, window: Window) -> None:
    wanted = (len(window.sensors), HORIZONS)
    shapes = {column.shape for column in (found.speed_kmh, found.lower_kmh, found.upper_kmh)}
    if shapes != {wanted} or len(found.models) != wanted[0]:
        raise ValueError(f"the forecast is of the shapes {shapes} and {len(found.models)} models, not {wanted}")
