"""What is counted of those who ask."""

from typing import Final

from prometheus_client import Counter

AUTHENTICATIONS: Final = Counter(
    "urbanclear_api_authentications_total",
    "Requests and sockets by what became of their key: accepted, open, missing, malformed, unknown, invalid_token, "
    "forbidden, too_many, unavailable",
    ["outcome"],
)
RATE_LIMITED: Final = Counter(
    "urbanclear_api_rate_limited_total", "Requests refused with 429, by the policy they exceeded", ["policy"]
)
REFUSED_ORIGINS: Final = Counter(
    "urbanclear_api_refused_origins_total", "Requests refused for their Host or Origin, by which", ["header"]
)
AUDIT_ROWS: Final = Counter(
    "urbanclear_api_audit_rows_total",
    "Rows of the audit log by outcome: written, or lost (logged)",
    ["outcome"],
)
