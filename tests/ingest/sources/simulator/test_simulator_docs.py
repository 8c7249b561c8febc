"""What docs/simulator.md says is so: its commands, its keys, its columns and its example."""

import re
import runpy
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from ingest.sources.simulator import network
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.scenarios import form
from ingest.sources.simulator.scenarios.scenario import settle
from ingest.sources.simulator.source import CATCH_UP
from ingest.sources.simulator.truth import COLUMNS, open_truth
from urbanclear.cli import app

DOCUMENT: Final = (Path(__file__).parents[4] / "docs" / "simulator.md").read_text()
TABLES: Final = (form.Form, form.Effect, form.Box, form.Rolling, form.Detour, form.WeatherForm, form.Announcement)


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def test_its_commands_are_understood_and_every_option_is_explained() -> None:
    command: Any = get_command(app)
    for word in ("source", "simulator"):
        command = command.commands[word]
    lines = re.findall(r"^    urbanclear source simulator ?(.*)$", DOCUMENT, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        command.make_context("simulator", shlex.split(line))
    options = {name for parameter in command.params for name in parameter.opts} - {"--help"}
    assert [name for name in options if f"`{name}" not in DOCUMENT] == []


def test_every_key_of_a_scenario_and_every_bundled_one_is_explained() -> None:
    keys = {key for table in TABLES for key in table.model_fields} | set(form.bundled())
    assert [key for key in keys if f"`{key}`" not in DOCUMENT and f"`[{key}]`" not in DOCUMENT] == []


def test_its_scenario_can_be_staged(tmp_path: Path) -> None:
    file = tmp_path / "film.toml"
    file.write_text(block("toml"))
    [scenario] = settle([str(file)], network.load(), datetime(2026, 12, 1, tzinfo=UTC))
    assert scenario.start == datetime(2026, 12, 5, 14, tzinfo=UTC)


def test_every_column_of_the_truth_is_in_its_table() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?=.*)", DOCUMENT.split("## The truth")[1], re.MULTILINE) == COLUMNS.names


def test_its_figures_are_those_of_the_code() -> None:
    assert f"{len(network.load())} links" in DOCUMENT
    assert f"{CATCH_UP // timedelta(minutes=1)} minutes or less" in DOCUMENT


def test_its_detector_finds_a_part_of_what_is_disturbed_and_is_wrong_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four days, every quarter of an hour."""
    monkeypatch.chdir(tmp_path)
    city, begin = Simulator(1), datetime(2026, 3, 2, 8, tzinfo=UTC)
    with open_truth(tmp_path / "truth") as truth:
        for quarter in range(4 * 96):
            truth.add(city.truth(begin + quarter * timedelta(minutes=15)))
    (tmp_path / "example.py").write_text(block("python"))
    found = runpy.run_path("example.py")
    assert 0.1 < found["precision"] < 1
    assert 0.1 < found["recall"] < 1
