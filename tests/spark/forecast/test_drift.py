"""`urbanclear forecast drift`: a model that became worse is told of, a week that is hard for all is not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from spark.forecast.cli import app
from spark.forecast.registry import Evidence, Registry
from spark.spans import Span
from tests.spark.forecast.models import Level
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

MIDNIGHT = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = Span(MIDNIGHT, MIDNIGHT + timedelta(days=7))
TRAINED = {"horizons": {"15": {"mae_kmh": 4.0, "coverage": 0.9}, "60": {"mae_kmh": 6.0, "coverage": 0.9}}}
PER_HOUR = 100


@pytest.fixture
def model(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the one in place, with an error of 4 and 6 km/h at training."""
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    monkeypatch.setenv("URBANCLEAR_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "160")
    get_settings.cache_clear()
    with Registry.of(get_settings()) as registry:
        trained_on = Span(MIDNIGHT - timedelta(days=28), MIDNIGHT)
        entry = registry.add(lambda name: Level(name, 50.0), "level", trained_on, 1, TRAINED)
        yield registry.promote(entry.name, Evidence(WEEK, 5.0, None)).name
    get_settings.cache_clear()


def scored(model: str, days: range, error: float, persistence: float, inside: float = 0.9) -> None:
    """Hours of the days after midnight: so far off at 15 minutes, and 1.5 times that at 60."""
    with psycopg.connect(str(get_settings().database_url), autocommit=True) as connection:
        for hour in range(days.start * 24, days.stop * 24):
            time = MIDNIGHT + timedelta(hours=hour)
            for horizon, harder in ((15, 1.0), (60, 1.5)):
                sums = [PER_HOUR * harder * value for value in (error, persistence, error)]
                connection.execute(
                    """
                    INSERT INTO measures.forecast_totals
                    VALUES (%s, %s, %s, %s, %s, %s, 0, 0, 0, %s, %s, %s, 0, 0, %s, %s, 0)
                    """,
                    [time, model, horizon, time, PER_HOUR, sums[0], PER_HOUR, *sums[1:], PER_HOUR, PER_HOUR * inside],
                )


def drift(*arguments: str) -> Result:
    done = CliRunner().invoke(app, ["drift", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_hard_week_is_no_drift(model: str) -> None:
    scored(model, range(14), error=4.0, persistence=5.0)
    scored(model, range(14, 21), error=8.0, persistence=10.0)
    done = drift()
    assert done.exit_code == 0
    assert f"{model} has not become worse: in the 7 days to 2026-12-07 00:00, its error is 1.00 of" in done.stdout


def test_a_model_that_became_worse_is_told_of_with_what_to_do(model: str) -> None:
    scored(model, range(14), error=4.0, persistence=6.0)
    scored(model, range(14, 21), error=5.2, persistence=6.0)
    done = drift()
    assert done.exit_code == 3
    assert "its error has grown by 30 % against the 28 days before. Train a new one with" in done.stdout
    row = next(line for line in done.stdout.splitlines() if " 15 " in line)
    numbers = [word for word in row.split() if word[:1].isdigit()]
    assert numbers == ["15", "16,800", "5.20", "4.00", "0.13", "0.33", "0.90"]
    assert drift("--tolerance", "0.4").exit_code == 0


def test_a_day_on_which_it_became_worse_is_seen_before_the_week_is(model: str) -> None:
    scored(model, range(13), error=4.0, persistence=6.0)
    scored(model, range(13, 14), error=5.2, persistence=6.0)
    assert (drift().exit_code, drift("--days", "1").exit_code) == (0, 3)


def test_a_young_model_is_held_against_its_training(model: str) -> None:
    scored(model, range(2), error=6.0, persistence=7.0)
    done = drift("--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["drifted"], told["against"], told["ratio"]) == (3, True, "its training", 1.5)
    assert [one["mae_before_kmh"] for one in told["horizons"]] == [4.0, 6.0]


def test_one_that_persistence_beats_or_whose_interval_is_too_narrow_says_so(model: str) -> None:
    scored(model, range(21), error=4.0, persistence=3.2, inside=0.8)
    done = drift()
    assert done.exit_code == 3
    assert "it is 25 % further off than the last speed known" in done.stdout
    assert "its interval held 80 % of what was measured, not 90 %" in done.stdout


def test_without_forecasts_or_a_model_it_says_what_to_do(model: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Only 0 forecasts of level-.* have been scored, 1,000 are needed"):
        drift()
    with Registry.of(get_settings()) as registry:
        registry.connection.execute("DELETE FROM forecast_models")
    with pytest.raises(ConfigurationError, match="No model is in place"):
        drift()
