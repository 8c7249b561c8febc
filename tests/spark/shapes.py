"""The days of the test city: three shapes, of which two have an hour when traffic is slowest."""

from datetime import UTC, datetime

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SLOW_HOUR = {"morning": 8, "evening": 17, "flat": None}
DAYS = 2
