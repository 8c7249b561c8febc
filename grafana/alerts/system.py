"""Whether Urbanclear's own parts are well, by what they tell Prometheus; only where Grafana has one."""

from typing import Final

from grafana.alerts.rule import SYSTEM, Rule, Severity, above, below
from urbanclear.slo import AVAILABILITY, BURNS, LATENCY

LAG_MESSAGES: Final = 50_000
DEAD_LETTER_SHARE: Final = 0.01
OUTBOX_STUCK_S: Final = 300

_FASTEST: Final = BURNS[0]
_DEAD: Final = "sum(rate(urbanclear_ingest_dead_letters_total[10m]))"
_STORED: Final = "sum(rate(urbanclear_ingest_stored_total[10m]))"


def _burning(bad: str, target: float) -> str:
    """How fast the error budget burns over the long window; 0 unless it burns too fast over both windows.

    `bad` counts those of the judged requests that are not good.
    """
    long, short = (
        f"(sum(rate({bad}[{window}])) / sum(rate(urbanclear_api_judged_requests_total[{window}]))) "
        f"/ {1 - target:g} > {_FASTEST.rate:g}"
        for window in (_FASTEST.long, _FASTEST.short)
    )
    return f"({long} and {short}) or vector(0)"


RULES: Final = (
    Rule(
        "prometheus-away",
        "Prometheus does not answer",
        SYSTEM,
        "vector(1)",
        below(1),
        "5m",
        Severity.WARNING,
        "Grafana cannot ask Prometheus",
        "No other rule that asks Prometheus can tell anything until it answers.",
        lacking="Alerting",
        failing="Alerting",
    ),
    Rule(
        "ingest-lag",
        "Ingest lags behind",
        SYSTEM,
        "sum(urbanclear_ingest_lag_messages)",
        above(LAG_MESSAGES),
        "10m",
        Severity.WARNING,
        'Ingest has {{ printf "%.0f" $values.A.Value }} messages in Kafka still to store',
        f"More than {LAG_MESSAGES:,} for 10 minutes: what is shown is older than it could be.",
    ),
    Rule(
        "dead-letters",
        "Many readings are rejected",
        SYSTEM,
        f"{_DEAD} / ({_DEAD} + ({_STORED} or vector(0)))",
        above(DEAD_LETTER_SHARE),
        "10m",
        Severity.WARNING,
        "{{ humanizePercentage $values.A.Value }} of what Kafka carries is rejected",
        f"More than {DEAD_LETTER_SHARE:.0%} of the last 10 minutes. They are kept as dead letters, with reasons.",
    ),
    Rule(
        "outbox-stuck",
        "Notifications are stuck",
        SYSTEM,
        "max(urbanclear_alerting_oldest_due_seconds)",
        above(OUTBOX_STUCK_S),
        "5m",
        Severity.CRITICAL,
        "A notification should have been sent {{ humanizeDuration $values.A.Value }} ago",
        "People are not being told of alerts.",
    ),
    Rule(
        "api-failing",
        "The API fails too often",
        SYSTEM,
        _burning("urbanclear_api_failed_requests_total", AVAILABILITY.target),
        above(0),
        "2m",
        Severity.CRITICAL,
        'The API\'s error budget burns {{ printf "%.0f" $values.A.Value }} times as fast as it may',
        f"{AVAILABILITY.target:.1%} of requests are meant to be answered; a month's budget lasts two days like this.",
    ),
    Rule(
        "api-slow",
        "The API is too slow",
        SYSTEM,
        _burning("urbanclear_api_slow_requests_total", LATENCY.target),
        above(0),
        "2m",
        Severity.WARNING,
        'The API\'s budget of slow answers burns {{ printf "%.0f" $values.A.Value }} times as fast as it may',
        f"{LATENCY.target:.0%} of answers are meant to begin within {LATENCY.threshold_s:g} s.",
    ),
)
