"""Data quality: how far the numbers can be trusted, and which sensors need somebody to look at them."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana import variables
from grafana.board import board
from grafana.charts import Panel, coloured, stacked
from grafana.colours import GREEN, ORANGE, PURPLE, RED, good_share, steps
from grafana.columns import judged, to_sensor
from grafana.panels import FULL, lines, number, rows
from grafana.queries import Sql
from schema.quality import STUCK_READINGS

FLAGS = {"implausible": RED, "stuck": ORANGE, "late": PURPLE}


def build() -> Dashboard:
    """The dashboard."""
    title, description = "Data quality", "How far the numbers can be trusted, and which sensors to look at."
    dashboard = board("data_quality", title, description, since="now-7d").with_variable(variables.area())
    for panel in (*_figures(), *_course(), *_now(), *_sensors()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    yield number(
        "Good readings",
        "Share of the readings of the time shown that carry no flag; only these are in means. From 90 % on data "
        "count as healthy.",
        Sql("data_quality/good_share", table=True),
        "percentunit",
    ).thresholds(good_share())
    yield number(
        "Completeness",
        "Of a sensor's hour the share of 5-minute stretches with a reading; of one that sends less than twice in 5 "
        "minutes, its readings over those of a good hour of the last week. This is the mean of the last 24 hours of "
        "the data. Sensors that sent nothing in the week before are left out.",
        Sql("data_quality/completeness", table=True),
        "percentunit",
    ).thresholds(good_share())
    yield number(
        "Healthy sensors",
        "Share of all sensors that reported above 90 % of the last 24 hours of the data with good readings, without "
        "an hour at one value.",
        Sql("data_quality/healthy_share", table=True),
        "percentunit",
    ).thresholds(good_share())
    yield number(
        "Silent now",
        "Sensors without a good reading in the last 15 minutes, or ever.",
        Sql("data_quality/silent_count", table=True),
        "short",
    ).thresholds(steps(GREEN, (1, ORANGE)))


def _course() -> Iterator[Panel]:
    flags = lines(
        "Flagged readings",
        "Share of each hour's readings that are kept and left out of means: implausible (out of range), stuck (the "
        "same at least "
        f"{STUCK_READINGS} times in a row) and late.",
        [Sql("data_quality/flags")],
        "percentunit",
    )
    yield coloured(stacked(flags), FLAGS).min(0)
    yield lines(
        "Good readings by area",
        "Share of each hour's readings that carry no flag.",
        [Sql("data_quality/good_by_area")],
        "percentunit",
    ).max(1)
    yield (
        lines(
            "Completeness by area",
            "Readings of each hour over those that the area's sensors of today send in a good hour of the last "
            "week, at most 100 %. Before a sensor was there, or sent as often as now, it is missing here.",
            [Sql("data_quality/completeness_over_time")],
            "percentunit",
        )
        .min(0)
        .max(1)
    )


def _now() -> Iterator[Panel]:
    age = rows(
        "Data age by area",
        "How old each sensor's newest good reading is at this moment: of the sensor that spoke last, of the median "
        "one, and of the one that has been silent for longest.",
        Sql("data_quality/age_by_area", table=True),
        {"newest": "s", "median": "s", "oldest": "s"},
    )
    yield judged(age, "median", steps(GREEN, (600, ORANGE), (900, RED)))
    silent = rows(
        "Silent now",
        "Sensors without a good reading in the last 15 minutes, those first that never had one: 200 at most.",
        Sql("data_quality/silent", table=True),
        {"silent": "s"},
    )
    yield to_sensor(silent).span(FULL)


def _sensors() -> Iterator[Panel]:
    worst = rows(
        "Worst sensors",
        "Those that are not healthy over the last 24 hours of the data, the fewest good readings first: 50 at most. "
        "Reporting is the share of the day that they reported, good the share of readings without a flag; stuck "
        "hours are hours at one value.",
        Sql("data_quality/worst", table=True),
        {"reporting": "percentunit", "good": "percentunit"},
    )
    worst = judged(judged(worst, "reporting", good_share()), "good", good_share())
    yield to_sensor(worst).span(FULL)
    maintenance = rows(
        "Likely to fail",
        "Sensors by the probability of a failure within 7 days, as `urbanclear spark maintenance` last found it; a "
        "failure is half an hour or more of silence while most sensors spoke, or of one value.",
        Sql("data_quality/maintenance", table=True),
        {"risk": "percentunit", "silent for": "s", "stuck for": "s", "readings missed": "percentunit"},
    )
    yield to_sensor(judged(maintenance, "risk", steps(GREEN, (0.2, ORANGE), (0.5, RED)))).span(FULL)
