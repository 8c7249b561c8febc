"""A dashboard's picture has every panel in its place, with what the database answered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from matplotlib import image
from typer.testing import CliRunner

from grafana.asked import Board, boards, panels
from grafana.checking import as_analyst
from grafana.expanding import Shown
from grafana.picture.answers import Answered, answered
from grafana.picture.page import drawn
from grafana.picture.units import shown
from urbanclear.cli import app

BOARDS = boards()


def answers(city: str, board: Board) -> list[Answered]:
    now = datetime.now(UTC)
    with as_analyst(city) as connection:
        return list(answered(connection, board, Shown(now - timedelta(days=1), now, timedelta(minutes=5))))


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_is_drawn_under_its_title(name: str, city: str) -> None:
    found = answers(city, BOARDS[name])
    figure = drawn(BOARDS[name], found)
    titles = [text.get_text() for text in figure.texts]
    assert titles == [BOARDS[name]["title"], *(one.title for one in found)]
    assert "$" not in "".join(titles)
    assert len(figure.axes) == len([panel for panel in panels(BOARDS[name]) if panel["type"] != "row"])


def test_a_number_is_shown_with_its_unit_and_a_table_with_its_rows(city: str) -> None:
    found = answers(city, BOARDS["city-now"])
    figure = drawn(BOARDS["city-now"], found)
    for one, axes in zip((one for one in found if one.kind != "row"), figure.axes, strict=True):
        if one.kind == "stat" and one.rows:
            drawn_texts = [text.get_text() for text in axes.texts]
            for column, value in one.rows[-1].items():
                told = shown(value, one.setting("unit", column), one.setting("decimals", column))
                assert column == "time" or told in drawn_texts
        if one.kind == "table" and one.rows:
            [table] = axes.tables
            assert len({line for line, _ in table.get_celld()}) == min(len(one.rows), 10) + 1


def test_the_command_writes_a_png(city: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    file = tmp_path / "reliability.png"
    done = CliRunner().invoke(app, ["grafana", "picture", "reliability", str(file), "--days", "7"])
    assert done.exit_code == 0, done.output
    height, width, _ = image.imread(file).shape
    assert width == 1540
    assert height > 1000


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "told"),
    [
        (None, "s", None, "–"),
        (0.256, "percentunit", 1, "25.6 %"),
        (42, "velocitykmh", None, "42 km/h"),
        (42.25, "velocitykmh", 0, "42 km/h"),
        (59.5, "s", None, "59.5 s"),
        (90, "s", None, "2 min"),
        (7200, "s", None, "2 h 00 min"),
        (timedelta(minutes=5), None, None, "5 min"),
        (1234567, "suffix: veh h", None, "1,234,567 veh h"),
        (datetime(2026, 3, 1, 8, 5, tzinfo=UTC), None, None, "01 Mar 08:05"),
        (["a", "b"], None, None, "a, b"),
    ],
)
def test_values_are_told_as_people_read_them(
    value: object, unit: str | None, decimals: int | None, told: str
) -> None:
    assert shown(value, unit, decimals) == told
