"""Whether there are data to look at: the database, readings, sensors, forecasts, batch jobs."""

from typing import Final

from grafana.alerts.rule import DATA, Rule, Severity, above, below, outside

READINGS_TOO_OLD_S: Final = 600
FORECASTS_TOO_OLD_S: Final = 900
BATCH_JOBS_LATE_S: Final = 36 * 3600
SILENT_SHARE: Final = 0.2
COVERAGE_LEAST: Final = 0.88
COVERAGE_MOST: Final = 0.92

RULES: Final = (
    Rule(
        "database-away",
        "The database does not answer",
        DATA,
        "database_away",
        below(1),
        "2m",
        Severity.CRITICAL,
        "Grafana cannot ask the database",
        "Dashboards are empty, and no other rule that asks the database can tell anything until it answers.",
        lacking="Alerting",
        failing="Alerting",
    ),
    Rule(
        "data-too-old",
        "Readings are too old",
        DATA,
        "data_too_old",
        above(READINGS_TOO_OLD_S),
        "5m",
        Severity.CRITICAL,
        "The newest reading of the whole city is {{ humanizeDuration $values.A.Value }} old",
        f"No sensor has reported for more than {READINGS_TOO_OLD_S // 60} minutes, or none ever has.",
        lacking="Alerting",
    ),
    Rule(
        "sensors-silent",
        "Many sensors are silent",
        DATA,
        "sensors_silent",
        above(SILENT_SHARE),
        "10m",
        Severity.WARNING,
        "{{ humanizePercentage $values.A.Value }} of the sensors that reported today are silent",
        f"More than {SILENT_SHARE:.0%} of them have not reported for 15 minutes.",
    ),
    Rule(
        "forecasts-too-old",
        "Forecasts are too old",
        DATA,
        "forecasts_too_old",
        above(FORECASTS_TOO_OLD_S),
        "5m",
        Severity.WARNING,
        "The newest forecast was made {{ humanizeDuration $values.A.Value }} ago",
        f"A forecast is made each minute, and none has been for {FORECASTS_TOO_OLD_S // 60} minutes.",
    ),
    Rule(
        "forecast-coverage",
        "Forecasts' intervals do not hold",
        DATA,
        "forecast_coverage",
        outside(COVERAGE_LEAST, COVERAGE_MOST),
        "1h",
        Severity.WARNING,
        "{{ humanizePercentage $values.A.Value }} of measured speeds lie inside their forecast's interval",
        "Of the trained models' forecasts of the last two days. 90 % are meant; "
        f"from {COVERAGE_LEAST:.0%} to {COVERAGE_MOST:.0%} is well.",
    ),
    Rule(
        "batch-jobs-late",
        "Batch jobs are late",
        DATA,
        "batch_jobs_late",
        above(BATCH_JOBS_LATE_S),
        "15m",
        Severity.WARNING,
        "No batch job has succeeded for {{ humanizeDuration $values.A.Value }}",
        "They run every night; patterns, clusters and anomalies are older than that.",
    ),
)
