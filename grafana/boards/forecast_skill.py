"""Forecast skill: how well forecasts came true, against the last speed and against the normal one."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode

from grafana import variables
from grafana.alerts.data import COVERAGE_LEAST, COVERAGE_MOST
from grafana.board import board
from grafana.charts import Panel, bars, by_day, coloured
from grafana.colours import BLUE, GREEN, ORANGE, PURPLE, RED, steps
from grafana.columns import judged, to_sensor
from grafana.panels import FULL, LOW, MIDDLE, THIRD, lines, number, rows
from grafana.queries import Sql

_COMPARED = {"forecast": PURPLE, "last speed": ORANGE, "normal": GREEN}
_SKILL = steps(RED, (0, ORANGE), (0.1, GREEN))
_COVERAGE = steps(RED, (COVERAGE_LEAST, GREEN), (COVERAGE_MOST, ORANGE))
_AREAS = GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED_AND_AREA)
_KMH = "velocitykmh"


def build() -> Dashboard:
    """The dashboard."""
    about = "How far forecasts were off, against saying that nothing changes and against saying what is normal."
    dashboard = board("forecast_skill", "Forecast skill", about, since="now-14d", refresh="5m")
    dashboard = dashboard.with_variable(variables.horizon())
    for panel in (*_figures(), *_errors(), *_days(), *_tables()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    for title, description, query, unit, thresholds in (
        (
            "Mean error",
            "How far predictions at the chosen minutes ahead were off, without sign.",
            "error",
            _KMH,
            steps(BLUE),
        ),
        (
            "Skill",
            "By how much the error is smaller than that of the last speed known: above 0 the forecast is of use.",
            "skill_now",
            "percentunit",
            _SKILL,
        ),
        (
            "Coverage",
            "Share of measured speeds inside the interval; 90 % is meant. Less, and the interval promises too much;"
            " more, and it is wider than it need be.",
            "coverage_now",
            "percentunit",
            _COVERAGE,
        ),
    ):
        panel = number(title, description, Sql(f"forecast_skill/{query}", table=True), unit)
        yield panel.thresholds(thresholds).decimals(1).span(THIRD).height(LOW)


def _errors() -> Iterator[Panel]:
    by_horizon = bars(
        "Mean error by minutes ahead",
        "Of the days shown. The last speed is what a forecast has to beat soon, the normal one what it has to beat "
        "later.",
        Sql("forecast_skill/by_horizon", table=True),
        _KMH,
    )
    yield coloured(by_horizon, _COMPARED)
    daily = lines(
        "Mean error by day",
        "At the chosen minutes ahead; of the forecast, of the last speed known, and of the normal one.",
        [Sql("forecast_skill/errors")],
        _KMH,
    )
    yield coloured(daily, _COMPARED)


def _days() -> Iterator[Panel]:
    skill = lines(
        "Skill by day",
        "By model, at the chosen minutes ahead: above 0 is better than the last speed known.",
        [Sql("forecast_skill/skill")],
        "percentunit",
    )
    yield by_day(skill).thresholds(_SKILL)
    coverage = lines(
        "Coverage by day",
        "By model, at the chosen minutes ahead; 90 % is meant.",
        [Sql("forecast_skill/coverage")],
        "percentunit",
    )
    yield by_day(coverage).thresholds(_COVERAGE).thresholds_style(_AREAS)


def _tables() -> Iterator[Panel]:
    horizons = rows(
        "By model and minutes ahead",
        "Of the days shown, each prediction once: the mean error without sign (MAE), the root of the mean squared "
        "error (RMSE), the mean error over the speed where traffic moves (MAPE), the skill against the last speed, "
        "and the interval's coverage and width.",
        Sql("forecast_skill/horizons", table=True),
        {
            "horizon": "m",
            "MAE": _KMH,
            "RMSE": _KMH,
            "MAPE": "percent",
            "skill": "percentunit",
            "coverage": "percentunit",
            "width": _KMH,
        },
    )
    yield judged(judged(horizons, "skill", _SKILL), "coverage", _COVERAGE).span(FULL)
    worst = rows(
        "Worst sensors",
        "Of the last 24 hours that were scored, at the chosen minutes ahead, the greatest mean error first: 50 at "
        "most. Beside it stand the errors of the last speed known and of the normal one.",
        Sql("forecast_skill/worst", table=True),
        {"MAE": _KMH, "last speed": _KMH, "normal": _KMH, "skill": "percentunit", "coverage": "percentunit"},
    )
    yield to_sensor(judged(judged(worst, "skill", _SKILL), "coverage", _COVERAGE)).span(FULL)
    yield (
        rows(
            "Models",
            "The one in place forecasts. The error is the mean of those on weeks that it was not made from.",
            Sql("forecast_skill/models", table=True),
            {"held-out error": _KMH},
        )
        .span(FULL)
        .height(MIDDLE)
    )
