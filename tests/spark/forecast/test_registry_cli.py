"""`urbanclear forecast models`, `promote` and `rollback`, as an operator runs them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spark.forecast.cli import app
from spark.forecast.registry import Registry, held_out
from spark.spans import Span
from tests.spark.forecast.models import Level
from urbanclear.errors import ConfigurationError, NotPromoted
from urbanclear.settings import get_settings

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
TRAINED_ON = Span(MONDAY - timedelta(days=28), MONDAY)
WEEK = Span(MONDAY, MONDAY + timedelta(days=7))
OLD, NEW = "level-2026-11-28-1", "level-2026-11-29-1"


@pytest.fixture(autouse=True)
def two_models(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One of yesterday, and one of today that was better on the same week."""
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    monkeypatch.setenv("URBANCLEAR_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "160")
    get_settings.cache_clear()
    with Registry.of(get_settings()) as registry:
        for day, mae in ((28, 4.25), (29, 4.0)):
            made, metrics = datetime(2026, 11, day, 3, tzinfo=UTC), {"held_out": [held_out(WEEK, mae)]}
            registry.add(lambda name: Level(name, 50.0), "level", TRAINED_ON, 1, metrics, trained_at=made)
    yield
    get_settings.cache_clear()


def forecast(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_models_are_listed_with_their_score_and_state() -> None:
    forecast("promote", OLD)
    row = next(line for line in forecast("models").splitlines() if OLD in line)
    assert all(word in row for word in ("in_place", "2026-10-19 to 2026-11-16", "from 2026-11-16", "4.250"))
    found = json.loads(forecast("models", "--json"))
    assert [(one["name"], one["state"]) for one in found] == [(NEW, "candidate"), (OLD, "in_place")]


def test_models_are_listed_with_whole_dates_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    forecast("promote", OLD)
    monkeypatch.setenv("COLUMNS", "80")
    told = forecast("models")
    assert all(date in told for date in ("2026-11-28", "2026-10-19", "2026-11-16", "4.250")), told


def test_the_better_one_is_promoted_and_rolled_back() -> None:
    assert forecast("promote", OLD) == f"{OLD} is in place.\n"
    told = json.loads(forecast("promote", NEW, "--json"))
    assert (told["evidence"]["new_mae_kmh"], told["evidence"]["in_place_mae_kmh"]) == (4.0, 4.25)
    assert forecast("rollback") == f"{OLD} is in place.\n"
    with pytest.raises(ConfigurationError, match="No model was in place before"):
        forecast("rollback")


def test_the_worse_one_is_promoted_by_force_alone() -> None:
    forecast("promote", NEW)
    with pytest.raises(NotPromoted, match=f"not better than {NEW}, 4.250 km/h against 4.000"):
        forecast("promote", OLD)
    assert forecast("promote", OLD, "--force") == f"{OLD} is in place.\n"


def test_without_models_it_is_said_how_to_make_one() -> None:
    with Registry.of(get_settings()) as registry:
        registry.connection.execute("DELETE FROM forecast_models")
    assert forecast("models") == "There are no models yet: train one with `urbanclear forecast train`.\n"
    assert json.loads(forecast("models", "--json")) == []


@pytest.mark.parametrize("asked", [("evaluate",), ("drift",)])
def test_what_needs_a_model_in_place_says_so_before_anything_is_read(
    asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.sources.opening.spark_session", None)
    with pytest.raises(ConfigurationError, match="No model is in place: train one with `urbanclear forecast train`"):
        forecast(*asked)


def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigurationError, match="There is no model level-9: `urbanclear forecast models`"):
        forecast("promote", "level-9")
