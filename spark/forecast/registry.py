"""Which models there are, which one forecasts, and which ones did before it.

A model is a row of `forecast_models`, with what it was made from and how good it was, and a file under the folder of
`URBANCLEAR_MODELS_DIR`. At most one is in place. One that is promoted takes the place of the one that was, which a
rollback brings back; then the one before that. The table is locked for each change: of two at once, one is second.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from schema.database import database_url
from spark.forecast import model_files
from spark.forecast.window import Forecaster
from spark.spans import Span, answering
from urbanclear.errors import ConfigurationError, ModelUnavailable, NotPromoted
from urbanclear.settings import Settings

State = Literal["candidate", "in_place", "former", "rolled_back"]

_PREFIX: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LOCK: Final = "LOCK TABLE forecast_models IN SHARE ROW EXCLUSIVE MODE"
_NAMES: Final = "SELECT name FROM forecast_models"
_ADD: Final = """
    INSERT INTO forecast_models
        (name, trained_at, data_from, data_to, code_version, seed, sha256, path, metrics)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *
"""
_LIST: Final = "SELECT * FROM forecast_models ORDER BY trained_at DESC, name DESC"
_OF_NAME: Final = "SELECT * FROM forecast_models WHERE name = %s"
_IN_PLACE: Final = "SELECT * FROM forecast_models WHERE state = 'in_place'"
_FORMER: Final = "SELECT * FROM forecast_models WHERE state = 'former' ORDER BY promoted_at DESC LIMIT 1"
_LEAVE: Final = "UPDATE forecast_models SET state = %s WHERE state = 'in_place'"
#: Later than every promotion before it, also where the clock was set back: the order is what rollbacks follow.
_PROMOTE: Final = """
    UPDATE forecast_models
    SET state = 'in_place', evidence = %s, promoted_at = greatest(
        clock_timestamp(), (SELECT max(promoted_at) + interval '1 microsecond' FROM forecast_models))
    WHERE name = %s RETURNING *
"""
_RETURN: Final = "UPDATE forecast_models SET state = 'in_place' WHERE name = %s RETURNING *"
_SCORED: Final = """
    UPDATE forecast_models SET metrics = jsonb_set(metrics, '{held_out}', %s) WHERE name = %s
"""


@dataclass(frozen=True)
class Entry:
    """A model as the registry knows it. Its scores on weeks it was not made from are `metrics["held_out"]`."""

    name: str
    state: State
    trained_at: datetime
    data_from: datetime
    data_to: datetime
    code_version: str
    seed: int
    sha256: str
    path: str
    metrics: dict[str, Any]
    promoted_at: datetime | None = None
    evidence: dict[str, Any] | None = None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {name: _told(value) for name, value in asdict(self).items()}

    def score(self, week: Span) -> float | None:
        """Its mean absolute error on `week`, km/h, where it has been scored on it."""
        return next((one["mae_kmh"] for one in self._held_out() if _week_of(one) == week), None)

    def weeks(self) -> list[Span]:
        """Those that it has been scored on, the newest first."""
        return sorted(map(_week_of, self._held_out()), key=lambda week: week.end, reverse=True)

    def _held_out(self) -> list[dict[str, Any]]:
        return list(self.metrics.get("held_out", []))


@dataclass(frozen=True)
class Evidence:
    """Mean absolute errors on the same held-out week, km/h: of the new model, and of the one in place if there is
    one."""

    week: Span
    new_mae: float
    in_place_mae: float | None


@dataclass(frozen=True)
class Registry:
    """The models of one database and one folder, over a connection that is in autocommit."""

    connection: psycopg.Connection[Any]
    folder: Path

    @classmethod
    @contextmanager
    def of(cls, settings: Settings) -> "Iterator[Registry]":
        """Raises `ConfigurationError` where no database answers, or one without the schema."""
        with answering(database_url(settings)) as connection:
            connection.autocommit = True
            yield cls(connection, settings.models_dir)

    def add(
        self,
        named: Callable[[str], Forecaster],
        prefix: str,
        trained_on: Span,
        seed: int,
        metrics: Mapping[str, Any],
        *,
        trained_at: datetime | None = None,
    ) -> Entry:
        """Keep a model, as a candidate. `named` is given the name chosen here, such as network-2026-11-29-1, and
        returns the model that goes by it.

        Raises `ConfigurationError` where the folder cannot be written.
        """
        if not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"{prefix!r} is no name for a kind of model: use small letters, digits and single hyphens."
            )
        made = trained_at or datetime.now(UTC)
        told = Jsonb(json.loads(json.dumps(dict(metrics), allow_nan=False)))
        span = (trained_on.start, trained_on.end)
        beginning = f"{prefix}-{made.astimezone(UTC):%Y-%m-%d}"
        with self._changing() as connection, model_files.reserved(self.folder, beginning, self._names()) as file:
            name = file.stem
            model = named(name)
            if model.name != name:
                raise ValueError(f"the model is to be called {name}, and says {model.name}")
            sha256 = model_files.write(model, file)
            values = (name, made, *span, version("urbanclear"), seed, sha256, file.name, told)
            return self._one(_ADD, values, connection)

    def promote(self, name: str, evidence: Evidence | None = None, *, force: bool = False) -> Entry:
        """Put a model in place because of `evidence`, or in spite of it with `force`, which is noted.

        Raises `NotPromoted` where it is not shown to be better, `ConfigurationError` where there is no such model or
        it is in place already, `ModelUnavailable` where its file is not what was kept.
        """
        with self._changing() as connection:
            entry, former = self.entry(name), self.in_place()
            if former == entry:
                raise ConfigurationError(f"{name} is in place already.")
            reason = _reason_against(entry, former if self._is_whole(former) else None, evidence)
            if reason and not force:
                raise NotPromoted(f"{name} is not put in place: {reason}.")
            model_files.verified(self.folder / entry.path, entry.sha256)
            connection.execute(_LEAVE, ["former"])
            noted = _noted(evidence, former, forced=bool(reason))
            return self._one(_PROMOTE, (Jsonb(noted), name), connection)

    def rollback(self) -> Entry:
        """Bring back the model that the one in place took the place of.

        Raises `ConfigurationError` where there is none, `ModelUnavailable` where its file is not what was kept.
        """
        with self._changing() as connection, connection.cursor(row_factory=class_row(Entry)) as cursor:
            former = cursor.execute(_FORMER).fetchone()
            if former is None:
                raise ConfigurationError(
                    "No model was in place before: promote one with `urbanclear forecast promote`."
                )
            model_files.verified(self.folder / former.path, former.sha256)
            connection.execute(_LEAVE, ["rolled_back"])
            return self._one(_RETURN, [former.name], connection)

    def note_score(self, name: str, week: Span, mae: float) -> None:
        """That a model's mean absolute error on a held-out week is `mae`, km/h, in the place of a former score."""
        with self._changing() as connection:
            entry = self.entry(name)
            others = [one for one in entry.metrics.get("held_out", []) if _week_of(one) != week]
            connection.execute(_SCORED, (Jsonb([*others, held_out(week, mae)]), name))

    def evidence(self, name: str) -> Evidence | None:
        """What is known for or against a promotion: scores on the newest week that the model has been scored on, and
        with it the one in place; None without any."""
        entry, former = self.entry(name), self.in_place()
        for week in entry.weeks():
            new, old = entry.score(week), former.score(week) if former else None
            if new is not None and (former is None or old is not None):
                return Evidence(week, new, old)
        return None

    def entry(self, name: str) -> Entry:
        """Raises `ConfigurationError` where there is none of that name."""
        with self.connection.cursor(row_factory=class_row(Entry)) as cursor:
            found = cursor.execute(_OF_NAME, [name]).fetchone()
        if found is None:
            raise ConfigurationError(f"There is no model {name}: `urbanclear forecast models` lists them.")
        return found

    def in_place(self) -> Entry | None:
        """The one that forecasts."""
        with self.connection.cursor(row_factory=class_row(Entry)) as cursor:
            return cursor.execute(_IN_PLACE).fetchone()

    def list(self) -> list[Entry]:
        """All, the newest first."""
        with self.connection.cursor(row_factory=class_row(Entry)) as cursor:
            return cursor.execute(_LIST).fetchall()

    def load(self, entry: Entry) -> Forecaster:
        """The model itself; raises `ModelUnavailable` where its file is not what was kept, or not readable by this
        version."""
        model: Forecaster = model_files.read(self.folder / entry.path, entry.sha256, entry.code_version)
        return model

    @contextmanager
    def _changing(self) -> Iterator[psycopg.Connection[Any]]:
        with self.connection.transaction():
            self.connection.execute(_LOCK)
            yield self.connection

    def _is_whole(self, entry: Entry | None) -> bool:
        """Whether it can forecast: one whose file is gone is no reason against another."""
        try:
            return entry is not None and bool(model_files.verified(self.folder / entry.path, entry.sha256))
        except ModelUnavailable:
            return False

    def _names(self) -> set[str]:
        with self.connection.cursor(row_factory=scalar_row) as cursor:
            return set(cursor.execute(_NAMES))

    def _one(self, query: str, values: Any, connection: psycopg.Connection[Any]) -> Entry:
        with connection.cursor(row_factory=class_row(Entry)) as cursor:
            found = cursor.execute(query.encode(), values).fetchone()
        assert found is not None  # noqa: S101
        return found


def held_out(week: Span, mae: float) -> dict[str, Any]:
    """An entry of `metrics["held_out"]`."""
    return {"from": week.start.isoformat(), "to": week.end.isoformat(), "mae_kmh": mae}


def _week_of(score: Mapping[str, Any]) -> Span:
    return Span(datetime.fromisoformat(score["from"]), datetime.fromisoformat(score["to"]))


def _reason_against(entry: Entry, former: Entry | None, evidence: Evidence | None) -> str | None:
    """Why a model cannot take the place of `former`, and what to do; None where it can."""
    if evidence is None:
        both = f"it and {former.name} have" if former else "it has"
        return f"{both} not been scored on the same held-out week: run `urbanclear forecast evaluate`, or use --force"
    week = f"the week from {evidence.week.start:%Y-%m-%d}"
    if evidence.week.start < entry.data_to:
        return f"it was made from readings of {week}, which proves nothing: score it on a later one, or use --force"
    if math.isnan(evidence.new_mae):
        return f"it has no score on {week}: choose one with readings, or use --force"
    if former is None:
        return None
    if evidence.in_place_mae is None or math.isnan(evidence.in_place_mae):
        return f"{former.name}, which is in place, has no score on {week}: score both, or use --force"
    if evidence.new_mae >= evidence.in_place_mae:
        errors = f"{evidence.new_mae:.3f} km/h against {evidence.in_place_mae:.3f}"
        return f"on {week} it is not better than {former.name}, {errors}: train another, or use --force"
    return None


def _noted(evidence: Evidence | None, former: Entry | None, *, forced: bool) -> dict[str, Any]:
    noted: dict[str, Any] = {"against": former.name if former else None, "forced": forced}
    if evidence is not None:
        week = {"from": evidence.week.start.isoformat(), "to": evidence.week.end.isoformat()}
        noted |= week | {"new_mae_kmh": evidence.new_mae, "in_place_mae_kmh": evidence.in_place_mae}
    return {name: None if value != value else value for name, value in noted.items()}


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
