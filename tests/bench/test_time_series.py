"""The benchmarks of the time series give every figure, whatever the size."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from bench.cli import app
from schema.engines import engine_of
from urbanclear.settings import get_settings

FIGURES = {
    "storage_ratio",
    "hourly_30d_speedup",
    "sensor_24h_p95_ms",
    "current_p95_ms",
    "refresh_s_per_million",
    "views_p95_ms",
}


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def figures(*arguments: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_the_time_series_figures_say_engine_and_rows(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", server_url)
    found = figures("schema", "--rows", "100000")
    assert {figure["name"] for figure in found} >= FIGURES
    assert {figure["engine"] for figure in found} == {engine_of(server_url).name}
    assert {figure["rows"] for figure in found} == {100_000}


def test_each_way_to_write_has_a_rate_beside_that_of_the_bare_copy(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", server_url)
    for figure in figures("writes", "--rows", "20000"):
        assert str(figure["name"]).endswith("_rows_per_s")
        assert isinstance(figure["value"], float)
        assert isinstance(figure["ratio"], float)
