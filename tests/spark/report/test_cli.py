"""`urbanclear report weekly` and `urbanclear spark insights`, as somebody runs them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, astuple
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import schema.tables
from spark.insights.job import COLUMNS, JOB
from spark.insights.parameters import Parameters
from spark.report.cli import app
from spark.runs import Result as Stored
from spark.runs import run_of
from spark.spans import Span
from tests.schema.city import City, city_at
from tests.spark.insights.town import FORMER, WEEK, days, link, mornings
from tests.spark.report.samples import DAYS, week
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def server_url(embedded_postgres: str) -> str:
    """One engine is enough: the insights are tested on both."""
    return embedded_postgres


@pytest.fixture
async def town(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    monkeypatch.setenv("URBANCLEAR_TIME_ZONE", "UTC")
    async with city_at(database_url) as city:
        yield city


def report(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["weekly", "--master", "local[2]", *arguments], catch_exceptions=False)


async def in_a_process_of_its_own(*arguments: str) -> bytes:
    """What `spark insights` prints: it ends its Spark, which must not be that of other tests."""
    command = "import typer; from spark.insights.cli import insights; typer.run(insights)"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", command, *arguments), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed


async def test_a_week_is_computed_once_and_then_written_in_either_form(town: City) -> None:
    one = await link(town, "Broadway")
    await town.read(mornings(one, WEEK, {0: 2}))
    await town.compute(*days(WEEK))
    asked = ["--week", "2026-W10", "--value-of-time", "10", "--vehicle-occupancy", "1", "--currency", "EUR"]
    printed = await in_a_process_of_its_own(*asked, "--master", "local[2]", "--json")
    [cost] = [row for row in json.loads(printed) if row["subject"] == "cost of delay"]
    assert (cost["value"], cost["unit"], cost["before"]) == (pytest.approx(400), "EUR", None)
    assert report(*asked).output.splitlines()[-1] == "report.html"
    assert "EUR 400" in Path("report.html").read_text()
    assert report(*asked, "--format", "pdf", "--out", "week.pdf").exit_code == 0
    assert Path("week.pdf").read_bytes().startswith(b"%PDF")
    assert await town.row("SELECT count(*) FROM spark_runs") == {"count": 1}


async def test_a_week_without_measures_is_a_sentence_before_spark_starts(town: City) -> None:
    one = await link(town, "Broadway")
    await town.read(mornings(one, FORMER, {}))
    with pytest.raises(ConfigurationError, match="no measures of 2026-03-02 to 2026-03-08"):
        report("--week", "2026-W10", "--master", "spark://nowhere.invalid:1")


@pytest.mark.parametrize("arguments", [(), ("--week", "2026-W10")])
async def test_without_readings_there_is_no_report(town: City, arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="There are no readings yet"):
        report(*arguments)


def test_a_database_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", "postgresql://ana@127.0.0.1:1/city")
    with pytest.raises(ConfigurationError, match="does not answer: start the stack"):
        report("--week", "2026-W10")


async def test_a_file_that_cannot_be_written_is_a_sentence(town: City, database_url: str) -> None:
    parameters = Parameters("UTC", get_settings().planning_percentile)
    one = await link(town, "Broadway")
    await town.read(mornings(one, WEEK, {}))
    with run_of(JOB, database_url, Span(*DAYS.bounds("UTC")), asdict(parameters)) as this:
        this.store(Stored(schema.tables.insights, COLUMNS, [astuple(insight) for insight in week()]))
    with pytest.raises(ConfigurationError, match="say another with --out"):
        report("--week", "2026-W10", "--out", "nowhere/report.html")
