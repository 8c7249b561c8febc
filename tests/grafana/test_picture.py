"""A dashboard's picture has every panel in its place, with what the database answered."""

import math
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image, rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from typer.testing import CliRunner

from grafana.asked import Board, Choices, boards, panels
from grafana.checking import as_analyst
from grafana.expanding import Shown
from grafana.picture.answers import Answered, Answers, Row, answered
from grafana.picture.page import LOOK, drawn, require_writable, what_is_shown
from grafana.picture.units import labels, shown
from urbanclear.cli import app
from urbanclear.errors import ConfigurationError

BOARDS = boards()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def until_now() -> Shown:
    now = datetime.now(UTC)
    return Shown(now - timedelta(days=1), now, timedelta(minutes=5))


def answers(city: str, board: Board, given: dict[str, list[str]] | None = None) -> Answers:
    with as_analyst(city) as connection:
        return answered(connection, board, until_now(), given)


def panel(kind: str, rows: list[Row], **config: Any) -> Answered:
    """Half a page wide, of one query."""
    look = {"type": kind, "title": "A panel", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "fieldConfig": config}
    return Answered(look, "A panel", Shown(NOON - timedelta(hours=12), NOON, timedelta(minutes=1)), [rows])


def page(*found: Answered, told: dict[str, list[str]] | None = None) -> Figure:
    with rc_context(LOOK):
        return drawn(Answers({"title": "A board"}, found[0].shown, told or {}, list(found)))


def override(name: str, setting: str, value: Any, matcher: str = "byName") -> dict[str, Any]:
    return {"matcher": {"id": matcher, "options": name}, "properties": [{"id": setting, "value": value}]}


def at(minutes: float, **columns: Any) -> Row:
    """A row of so many minutes before noon."""
    return {"time": NOON - timedelta(minutes=minutes), **columns}


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_is_drawn_under_its_title(name: str, city: str) -> None:
    found = answers(city, BOARDS[name])
    figure = drawn(found)
    title, _, *titles = [text.get_text() for text in figure.texts]
    assert [title, *titles] == [BOARDS[name]["title"], *(one.title for one in found.panels)]
    assert "$" not in "".join(titles)
    places = {axes.get_position().bounds for axes in figure.axes}
    assert len(places) == len([panel for panel in panels(BOARDS[name]) if panel["type"] != "row"])


def test_a_number_is_shown_with_its_unit(city: str) -> None:
    found = answers(city, BOARDS["city-now"])
    figure = drawn(found)
    for one, axes in zip((one for one in found.panels if one.kind != "row"), figure.axes, strict=True):
        if one.kind == "stat" and one.rows:
            drawn_texts = [text.get_text() for text in axes.texts]
            for column, value in one.rows[-1].items():
                told = shown(value, one.setting("unit", column), one.setting("decimals", column))
                assert column == "time" or told in drawn_texts


def test_the_head_says_the_time_with_its_zone_and_what_is_chosen_by_its_text(city: str) -> None:
    with as_analyst(city) as connection:
        asked = "SELECT id, concat_ws(', ', name, external_id) AS told FROM sensors ORDER BY id LIMIT 1"
        sensor = connection.execute(asked.encode()).fetchall()[0]
    by_id = answers(city, BOARDS["sensor"], {"sensor": [str(sensor["id"])]})
    by_text = answers(city, BOARDS["sensor"], {"sensor": [sensor["told"]]})
    assert f"Area: all · Sensor: {sensor['told']} · Minutes ahead: " in what_is_shown(by_id)
    assert by_id.told == by_text.told
    places = [str(number) for number in range(7)]
    head = page(panel("stat", []), told={"Area": places}).texts[1].get_text()
    assert head == "01 Mar 2026 00:00 to 01 Mar 2026 12:00 UTC · Area: 0, 1, 2, 3, 4 and 2 more"


def test_bars_are_as_wide_as_the_smallest_distance_of_all_series() -> None:
    rows = [at(60, a=1.0), at(55, a=1.0), at(50, a=1.0), at(300, b=1.0), at(30, b=1.0)]
    [axes] = page(panel("timeseries", rows, defaults={"custom": {"drawStyle": "bars"}})).axes
    widths = [patch.get_width() * 24 * 60 for patch in axes.patches if isinstance(patch, Rectangle)]
    assert widths == pytest.approx([0.8 * 5] * 5)


def test_a_lone_bar_is_a_small_part_of_the_time_shown() -> None:
    [axes] = page(panel("timeseries", [at(60, a=1.0)], defaults={"custom": {"drawStyle": "bars"}})).axes
    [bar] = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    start, end = axes.get_xlim()
    assert (end - start) * 24 == pytest.approx(12)
    assert bar.get_width() < (end - start) / 50


def test_a_line_is_broken_where_data_lack_and_a_value_alone_is_a_dot() -> None:
    minutes = [100, 95, 90, 85, 60, 30, 25, 20]
    [axes] = page(panel("timeseries", [at(one, speed=30.0) for one in minutes])).axes
    line, dots = axes.lines
    broken_line = "".join("-" if math.isnan(float(value)) else "x" for value in np.asarray(line.get_ydata()))
    assert broken_line == "xxxx-x-xxx"
    assert len(np.asarray(dots.get_xdata())) == 1


def test_a_series_of_the_right_axis_is_drawn_on_one_of_its_own_with_its_unit() -> None:
    rows = [at(10, volume=1400, occupancy=0.12), at(5, volume=1200, occupancy=0.14)]
    right = {**override("occupancy", "custom.axisPlacement", "right")}
    right["properties"].append({"id": "unit", "value": "percentunit"})
    figure = page(panel("timeseries", rows, overrides=[right, override("volume", "unit", "suffix: veh/h")]))
    with rc_context(LOOK):
        figure.draw_without_rendering()
    left, twin = figure.axes
    assert left.lines[0].get_label() == "volume"
    assert twin.lines[0].get_label() == "occupancy"
    assert twin.get_ylim()[1] < 1
    assert all(label.get_text().endswith(" veh/h") for label in left.get_yticklabels())
    assert all(label.get_text().endswith(" %") for label in twin.get_yticklabels())
    assert all(label.get_window_extent().x0 >= 0 for label in left.get_yticklabels())
    legend = left.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["volume", "occupancy"]


@pytest.mark.parametrize(
    ("values", "unit", "told"),
    [
        ([0, 0.002, 0.004], "percentunit", ["0.0 %", "0.2 %", "0.4 %"]),
        ([0, 0.0025, 0.005], "percentunit", ["0.00 %", "0.25 %", "0.50 %"]),
        ([0, 0.5, 1.0], "percentunit", ["0 %", "50 %", "100 %"]),
        ([0.5, 1.5], None, ["0.5", "1.5"]),
        ([200.0, 200.5], "velocitykmh", ["200.0 km/h", "200.5 km/h"]),
        ([60, 80, 100], "s", ["60 s", "80 s", "100 s"]),
        ([60, 120, 3600], "s", ["1 min", "2 min", "1 h 00 min"]),
    ],
)
def test_labels_of_an_axis_have_the_decimals_of_its_step(
    values: list[float], unit: str | None, told: list[str]
) -> None:
    assert labels(values, unit) == told


def test_an_axis_of_many_seconds_counts_in_whole_minutes() -> None:
    rows = [at(10, travel=0.0), at(5, travel=6000.0)]
    figure = page(panel("timeseries", rows, defaults={"unit": "s", "min": 0, "max": 6000}))
    with rc_context(LOOK):
        figure.draw_without_rendering()
    told = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [text for text in told if text in ("15 min", "1 h 00 min", "1 h 30 min")]
    assert not [text for text in told if text.endswith(" s") and text != "0 s"]


@pytest.mark.parametrize(
    ("expression", "name", "fits"),
    [("^0 .*", "0 even", True), ("^0 .*", "10 even", False), ("even", "0 even", False), ("/EVEN/i", "0 even", True)],
)
def test_a_colour_is_found_by_a_regular_expression(expression: str, name: str, fits: bool) -> None:
    fixed = override(expression, "color", {"mode": "fixed", "fixedColor": "#123456"}, "byRegexp")
    [axes] = page(panel("timeseries", [at(10, **{name: 1.0}), at(5, **{name: 2.0})], overrides=[fixed])).axes
    assert (axes.lines[0].get_color() == "#123456") is fits


def test_names_of_rows_over_time_are_not_cut_by_the_edge() -> None:
    name = "Robert F. Kennedy Bridge, Manhattan ramp to the Bronx"
    rows = [at(minutes, name=name, speed=30.0) for minutes in (10, 5)]
    figure = page(panel("heatmap", rows, defaults={"thresholds": {"steps": [{"value": None, "color": "green"}]}}))
    with rc_context(LOOK):
        figure.draw_without_rendering()
    [label] = figure.axes[0].get_yticklabels()
    assert label.get_text() == "Robert F. Kennedy Bridge, Manhatt…"
    assert label.get_window_extent().x0 >= 0


def test_a_table_has_as_many_rows_as_there_is_room_for_and_says_how_many_more() -> None:
    [axes] = page(panel("table", [{"name": f"sensor {number}", "speed": number} for number in range(40)])).axes
    lines = {line for line, _ in axes.tables[0].get_celld()} - {0}
    assert len(lines) >= 9
    assert [text.get_text() for text in axes.texts] == [f"… and {40 - len(lines)} more"]
    [whole] = page(panel("table", [{"name": "one"}, {"name": "two"}])).axes
    assert len(whole.tables[0].get_celld()) == 3
    assert not whole.texts


def test_a_narrow_table_leaves_out_words_before_numbers_and_says_which() -> None:
    words = {f"text {number}": "a long story, told at length" for number in range(9)}
    [axes] = page(panel("table", [{**words, "speed": 31.5}])).axes
    heads = [cell.get_text().get_text() for (line, _), cell in axes.tables[0].get_celld().items() if line == 0]
    assert heads[0] == "text 0"
    assert heads[-1] == "speed"
    without = [f"text {number}" for number in range(9) if f"text {number}" not in heads]
    assert without
    assert axes.texts[0].get_text() == f"without {', '.join(without)}"


def test_bars_and_lines_that_are_too_many_are_counted() -> None:
    [bars] = page(panel("barchart", [{"name": str(number), "speed": 1} for number in range(25)])).axes
    assert "… and 5 more" in [text.get_text() for text in bars.texts]
    [lines] = page(panel("timeseries", [at(5, **{str(number): 1.0 for number in range(30)})])).axes
    assert "… and 6 more" in [text.get_text() for text in lines.texts]


def test_the_command_writes_a_png(city: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    file = tmp_path / "reliability.png"
    done = CliRunner().invoke(app, ["grafana", "picture", "reliability", str(file), "--days", "7"])
    assert done.exit_code == 0, done.output
    height, width, _ = image.imread(file).shape
    assert width == 1540
    assert height > 1000


def test_what_is_chosen_is_drawn(city: str) -> None:
    found = answers(city, BOARDS["corridor"], {"road": ["FDR Drive N"]})
    [here] = [one for one in found.panels if one.title == "Links now"]
    assert {row["name"][:3] for row in here.rows} == {"FDR"}


@pytest.mark.parametrize(
    ("choice", "advice"),
    [
        ("road=Nowhere", r"Nowhere is no road: choose one of .+; .+ and \d+ more\.$"),
        ("rood=FDR Drive N", r"Corridor has no variable rood: choose one of road\.$"),
        ("road", "--choose road has no value: write it as `--choose road=VALUE`"),
    ],
)
def test_what_cannot_be_chosen_is_refused_by_name(
    city: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, advice: str
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    words = ["grafana", "picture", "corridor", str(tmp_path / "x.png"), "--choose", choice]
    with pytest.raises(ConfigurationError, match=advice):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_a_text_can_be_chosen_freely() -> None:
    choices = Choices(BOARDS["reliability"], {"value_of_time": ["25"]})
    for variable, _ in choices.unanswered():
        choices.answer(variable, [])
    assert choices.chosen["value_of_time"] == ["25"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("away/x.png", "there is no folder .*away, make it first"),
        ("x.doc", r"give it one of the endings .*\.pdf, .*\.png"),
        ("x", "give it one of the endings"),
        ("folder.png", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_in_one_sentence(name: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    file = tmp_path / name
    with pytest.raises(ConfigurationError, match=f"{name} cannot be written: .*{advice}"):
        require_writable(file)


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
        (datetime(2026, 3, 1, 8, 5, tzinfo=timezone(timedelta(hours=2))), None, None, "01 Mar 06:05"),
        (["a", "b"], None, None, "a, b"),
    ],
)
def test_values_are_told_as_people_read_them(
    value: object, unit: str | None, decimals: int | None, told: str
) -> None:
    assert shown(value, unit, decimals) == told
