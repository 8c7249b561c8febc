"""Patterns and clusters: what is normal, which sensors are alike, and what was not as it normally is."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import variables
from grafana.board import board, link_to
from grafana.charts import Panel, by_day, stacked
from grafana.colours import BLUE, GREEN, ORANGE, PURPLE, RED, TEXT, YELLOW, good_share, steps
from grafana.columns import hidden, judged, linked, rounded, to_sensor
from grafana.maps import HIGH, places
from grafana.panels import FULL, MIDDLE, TALL, lines, rows
from grafana.queries import Sql

#: Of the clusters 0, 1, …; as many as `urbanclear spark clusters` makes by itself.
COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE, RED, YELLOW, "dark-blue")
SUBJECT: Final = link_to(
    "patterns", subject_kind="${subject_kind:percentencode}", subject="${__data.fields.subject:percentencode}"
)


def build() -> Dashboard:
    """The dashboard."""
    title = "Patterns and clusters"
    description = "What is normal, which sensors are alike, and what was not as it normally is."
    dashboard = board("patterns", title, description, since="now-7d", refresh="15m")
    for variable in (variables.area(), variables.subject_kind(), variables.subject()):
        dashboard = dashboard.with_variable(variable)
    for panel in (*_clusters(), *_normal(), _insights(), *_anomalies()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _clusters() -> Iterator[Panel]:
    shapes = lines(
        "Mean week of each cluster",
        "Sensors are grouped by the shape of their week. Shown is each group's mean speed of that hour of the week, "
        "over the highest of the week, laid over the time shown.",
        [Sql("patterns/shapes")],
        "percentunit",
    )
    for cluster, colour in enumerate(COLOURS):
        fixed = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
        shapes = shapes.override_by_regexp(f"^{cluster} .*", [fixed])
    yield shapes.line_width(2).span(FULL)
    yield places(
        "Members",
        "Each sensor in the colour of its cluster's line above.",
        Sql("patterns/members", table=True),
        "cluster",
        steps(COLOURS[0], *((cluster, colour) for cluster, colour in enumerate(COLOURS) if cluster)),
    )
    clusters = rows(
        "Clusters",
        "How many sensors have each shape, and how many of them are in the chosen areas. The distance is from the "
        "mean week. Silhouette (-1 to 1) says how far clusters lie apart, stability (0 to 1) whether other starts "
        "find them again.",
        Sql("patterns/clusters", table=True),
        {},
    ).height(HIGH)
    clusters = rounded(clusters, 2, "mean distance", "silhouette", "stability")
    yield to_sensor(clusters, "most typical sensor")


def _normal() -> Iterator[Panel]:
    normal = lines(
        "Normal day",
        "Median speed of the chosen subject at each quarter of an hour, on weekdays, Saturdays, and Sundays with "
        "public holidays, laid over the last 24 hours; and what was measured in them, of areas and sensors.",
        [Sql("patterns/normal"), Sql("patterns/measured", ref_id="B")],
        "velocitykmh",
    )
    measured = [
        DynamicConfigValue("color", {"mode": "fixed", "fixedColor": TEXT}),
        DynamicConfigValue("custom.lineWidth", 2),
    ]
    yield normal.override_by_name("measured", measured).time_from("24h").height(TALL)
    seasons = rows(
        "Rush hours and regularity",
        "When weekdays are slow, found and not assumed; the share of free speed that is lost at the slowest of all "
        "days; how much of what varies is the time of day, and how much of the rest is the day of the week, 0 to "
        "100 %. A subject's name shows its normal day.",
        Sql("patterns/seasonality", table=True),
        {
            "lost at the worst": "percentunit",
            "by the time of day": "percentunit",
            "by the day of the week": "percentunit",
        },
    )
    yield linked(hidden(seasons, "subject"), "name", "Normal day", SUBJECT)


def _insights() -> Panel:
    insights = rows(
        "What the newest week was notable for",
        "The findings of the newest run of `urbanclear spark insights`, each in its unit, against the same of the "
        "week before where the two can be compared.",
        Sql("patterns/insights", table=True),
        {"change": "percentunit", "good data": "percentunit"},
    )
    insights = judged(rounded(insights, 1, "value", "before"), "good data", good_share())
    return judged(insights, "change", steps(GREEN, (-0.05, TEXT), (0.05, RED))).span(FULL)


def _anomalies() -> Iterator[Panel]:
    begun = lines(
        "Anomalies by kind",
        "Stretches that began, in each step of the time shown, an hour or more.",
        [Sql("patterns/anomalies_over_time")],
        "short",
    )
    yield stacked(by_day(begun)).interval("1h").max_data_points(200).span(FULL).height(MIDDLE)
    anomalies = rows(
        "The newest anomalies",
        "The last 100 stretches that began in the time shown in which a sensor was not as it normally is. The score "
        "is in robust deviations from normal; of `stuck` and `silent` it is in hours. Expected and observed are "
        "speeds in km/h.",
        Sql("patterns/anomalies", table=True),
        {"lasted": "s"},
    )
    yield to_sensor(rounded(anomalies, 1, "score", "expected", "observed")).span(FULL)
