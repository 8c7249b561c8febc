"""System: whether all parts are well, from the metrics that they tell Prometheus."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row, ThresholdsConfig
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode

from grafana.board import board
from grafana.colours import GREEN, ORANGE, RED, steps
from grafana.names import PROMETHEUS
from grafana.panels import FULL, lines, number, rows
from grafana.queries import Sql, promql
from urbanclear.slo import FORECASTS, LATENCY, NOT_JUDGED

Panels = tuple[stat.Panel | timeseries.Panel | table.Panel, ...]

RATE: Final = "[$__rate_interval]"
#: Of the API: requests of people and apps, not those of probes and of Prometheus.
ASKED: Final = f'route!~"{"|".join(NOT_JUDGED)}"'
NONE: Final = steps(GREEN)
ANY: Final = steps(GREEN, (1, RED))
LIMITS: Final = GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)


def build() -> Dashboard:
    """The dashboard."""
    dashboard = board("system", "System", "Whether all parts are well, and what they have to do.", since="now-6h")
    for title, room in ROOMS.items():
        dashboard = dashboard.with_row(Row(title))
        for panel in room():
            dashboard = dashboard.with_panel(panel)
    return dashboard


def _quantile(share: float, histogram: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket{RATE})))"


def _now(title: str, description: str, expression: str, unit: str, colours: ThresholdsConfig) -> stat.Panel:
    return number(title, description, promql(expression), unit, PROMETHEUS).thresholds(colours)


def _over_time(
    title: str, description: str, asked: dict[str, str], unit: str, colours: ThresholdsConfig = NONE
) -> timeseries.Panel:
    """`asked`: what a line is called, and its expression."""
    queries = [
        promql(expression, legend, ref_id=chr(ord("A") + number))
        for number, (legend, expression) in enumerate(asked.items())
    ]
    return lines(title, description, queries, unit, PROMETHEUS).thresholds(colours).thresholds_style(LIMITS)


def _overview() -> Panels:
    return (
        _now(
            "Processes down",
            "Processes that did not answer Prometheus.",
            'sum(up{job=~"urbanclear-.+"} == bool 0)',
            "none",
            ANY,
        ),
        _now(
            "Alerts of the system",
            "Alerts of Prometheus about Urbanclear itself that fire; docs/on-call.md says what to do.",
            'count(ALERTS{alertname=~"Urbanclear.+", alertstate="firing"}) or vector(0)',
            "none",
            ANY,
        ),
        _now(
            "Age of the newest reading",
            "Now minus the time of the newest reading in the database.",
            "time() - max(urbanclear_api_newest_reading_timestamp_seconds > 0)",
            "s",
            steps(GREEN, (120, ORANGE), (600, RED)),
        ),
        _now(
            "Age of the newest forecasts",
            "Now minus the last minute that was predicted.",
            "time() - max(urbanclear_forecast_made_timestamp_seconds > 0)",
            "s",
            steps(GREEN, (FORECASTS.threshold_s or 0, RED)),
        ),
    )


def _ingest() -> Panels:
    return (
        _over_time(
            "Stored",
            "Readings and other events stored each second, by topic.",
            {"{{topic}}": f"sum by (topic) (rate(urbanclear_ingest_stored_total{RATE}))"},
            "ops",
        ),
        _over_time(
            "Lag",
            "Messages in Kafka that are not stored yet.",
            {"messages": "urbanclear:ingest_lag:messages"},
            "short",
            steps(GREEN, (10_000, RED)),
        ),
        _over_time(
            "Delay",
            "From a batch's first message in Kafka to its end in the database: the median and the 99th percentile.",
            {
                "median": _quantile(0.5, "urbanclear_ingest_delay_seconds"),
                "p99": _quantile(0.99, "urbanclear_ingest_delay_seconds"),
            },
            "s",
            steps(GREEN, (10, ORANGE), (60, RED)),
        ),
        _over_time(
            "Rejected and flagged",
            "Dead letters each second by reason, and readings stored with a flag, by flag.",
            {
                "rejected: {{reason}}": f"sum by (reason) (rate(urbanclear_ingest_dead_letters_total{RATE}))",
                "flagged: {{flag}}": f"sum by (flag) (rate(urbanclear_ingest_flagged_total{RATE}))",
            },
            "ops",
        ),
    )


def _api() -> Panels:
    return (
        _over_time(
            "Requests",
            "Answered each second, by status.",
            {"{{status}}": f"sum by (status) (rate(urbanclear_api_requests_total{{{ASKED}}}{RATE}))"},
            "reqps",
        ),
        _over_time(
            "Time to answer",
            "From a request's arrival to the start of its answer: p99 of all, and of the five slowest.",
            {
                "all": "urbanclear:api_latency:p99_seconds",
                "{{route}}": "topk(5, histogram_quantile(0.99, sum by (le, route) "
                f"(rate(urbanclear_api_request_seconds_bucket{{{ASKED}}}{RATE}))))",
            },
            "s",
            steps(GREEN, (LATENCY.threshold_s or 0, RED)),
        ),
        _over_time(
            "Errors",
            "Share of requests that were answered with an error of the server (5xx).",
            {
                "errors": f"sum(rate(urbanclear_api_failed_requests_total{RATE})) "
                f"/ sum(rate(urbanclear_api_judged_requests_total{RATE}))"
            },
            "percentunit",
            steps(GREEN, (0.001, ORANGE), (0.01, RED)),
        ),
        _over_time(
            "Refused",
            "Requests refused each second: too many of one policy, and keys that are no good, by outcome.",
            {
                "too many: {{policy}}": f"sum by (policy) (rate(urbanclear_api_rate_limited_total{RATE}))",
                "key: {{outcome}}": "sum by (outcome) (rate("
                f'urbanclear_api_authentications_total{{outcome!~"accepted|open"}}{RATE}))',
            },
            "reqps",
        ),
    )


def _live() -> Panels:
    return (
        _over_time(
            "Clients",
            "Clients of the WebSocket and of Server-Sent Events that are connected.",
            {
                "WebSocket": "sum(urbanclear_api_websocket_clients)",
                "Server-Sent Events": "sum(urbanclear_api_event_stream_clients)",
            },
            "short",
        ),
        _over_time(
            "Messages",
            "Messages sent to live clients each second, and events taken from Kafka for them.",
            {
                "sent": f"sum(rate(urbanclear_api_websocket_messages_total{RATE}))",
                "taken": f"sum(rate(urbanclear_api_bridge_events_total{RATE}))",
            },
            "ops",
        ),
        _over_time(
            "Bridge",
            "Share of API processes that follow Kafka: below 1, some live clients are told nothing.",
            {"connected": "avg(urbanclear_api_bridge_connected)"},
            "percentunit",
            steps(RED, (1, GREEN)),
        ),
        _over_time(
            "Slow clients",
            "Times a second that events were dropped for a client that reads slowly, and clients given up.",
            {
                "dropped": f"sum(rate(urbanclear_api_lagged_total{RATE}))",
                "given up": f"sum(rate(urbanclear_api_websocket_cut_total{RATE}))",
            },
            "ops",
        ),
    )


def _alerting() -> Panels:
    return (
        _over_time(
            "Alerts",
            "Alerts of the city that are pending or firing, by state and priority.",
            {"{{state}}, {{priority}}": "max by (state, priority) (urbanclear_alerting_alerts)"},
            "short",
        ),
        _over_time(
            "Notifications waiting",
            "To be delivered, by channel, and those that were given up.",
            {
                "waiting: {{channel}}": "max by (channel) (urbanclear_alerting_waiting_notifications)",
                "given up: {{channel}}": "max by (channel) (urbanclear_alerting_given_up_notifications)",
            },
            "short",
        ),
        _over_time(
            "Deliveries",
            "Attempts each second, by channel and outcome.",
            {
                "{{channel}}: {{outcome}}": "sum by (channel, outcome) "
                f"(rate(urbanclear_alerting_deliveries_total{RATE}))"
            },
            "ops",
        ),
        _over_time(
            "Overdue",
            "How late the oldest notification is, and how late the last evaluation of rules began.",
            {
                "notification": "max(urbanclear_alerting_oldest_due_seconds)",
                "evaluation": "max(urbanclear_alerting_late_seconds)",
            },
            "s",
            steps(GREEN, (60, ORANGE), (300, RED)),
        ),
    )


def _forecasts_and_jobs() -> Panels:
    return (
        _over_time(
            "Time to predict",
            "To predict all sensors, and from a reading in Kafka to its sensor's new prediction: 99th percentiles.",
            {
                "predict": _quantile(0.99, "urbanclear_forecast_predict_seconds"),
                "reading to prediction": _quantile(0.99, "urbanclear_forecast_delay_seconds"),
            },
            "s",
            steps(GREEN, (10, ORANGE), (30, RED)),
        ),
        _over_time(
            "Error of forecasts",
            "Mean absolute error of the last day's forecasts an hour ahead, and of the last speed known.",
            {
                "{{model}}": 'max by (model) (urbanclear_schema_forecast_error_kmh{horizon_minutes="60"})',
                "last speed known": 'max(urbanclear_schema_forecast_persistence_error_kmh{horizon_minutes="60"})',
            },
            "velocitykmh",
        ),
        _over_time(
            "Since the last success of batch jobs",
            "How long ago each batch job last succeeded; each is to do so every night.",
            {
                "{{batch}}": "time() - max by (batch) (urbanclear_schema_batch_success_timestamp_seconds > 0)",
            },
            "s",
            steps(GREEN, (27 * 3600, RED)),
        ),
        _over_time(
            "Stream",
            "From a reading in Kafka to its anomaly in the database, and to look at one batch: 99th percentiles.",
            {
                "delay": _quantile(0.99, "urbanclear_spark_stream_delay_seconds"),
                "batch": _quantile(0.99, "urbanclear_spark_stream_batch_seconds"),
            },
            "s",
            steps(GREEN, (10, ORANGE), (60, RED)),
        ),
        rows(
            "Runs of batch jobs",
            "The newest twenty, with how long they took or have taken so far.",
            Sql("system/spark_runs", table=True),
            {"started_at": "dateTimeAsIso", "took_s": "s", "rows_in": "short", "rows_out": "short"},
        )
        .thresholds(NONE)
        .span(FULL),
    )


def _database() -> Panels:
    return (
        _over_time(
            "Size",
            "What each time series takes, indexes included.",
            {"{{relation}}": "max by (relation) (urbanclear_schema_size_bytes)"},
            "bytes",
        ),
        _over_time(
            "Refresh lag",
            "The newest reading minus the end of what a rollup of 5 minutes holds.",
            {"{{relation}}": 'max by (relation) (urbanclear_schema_refresh_lag_seconds{relation=~".+_5m"})'},
            "s",
            steps(GREEN, (1_800, RED)),
        ),
        _over_time(
            "Failing recurring jobs",
            "Jobs that keep the time series in order whose last run failed.",
            {"failing": "sum(urbanclear_schema_job_failing)"},
            "short",
            ANY,
        ),
        _over_time(
            "Compression",
            "Size of the compressed chunks over their size as rows, where there are any.",
            {"{{relation}}": "max by (relation) (urbanclear_schema_compression_ratio)"},
            "percentunit",
        ),
    )


ROOMS: Final[dict[str, Callable[[], Panels]]] = {
    "Now": _overview,
    "Ingest": _ingest,
    "API": _api,
    "Live": _live,
    "Alerting": _alerting,
    "Forecasts and jobs": _forecasts_and_jobs,
    "Database": _database,
}
