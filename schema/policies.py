"""TimescaleDB's recurring jobs: what is compressed, refreshed and dropped, when, and why then.

- Columnstore: a chunk of readings a day after it ended, when hardly any row is still late; the rollups once no
  refresh is likely to reach them. Late rows still land in compressed chunks, only slower.
- Refresh: from the oldest reading kept, so that late data of any age are taken in, up to the last whole bucket. A
  refresh costs what was touched since the last one, not what its window spans.
- Retention: by the settings (`schema.retention`).
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from schema.ddl import ColumnstorePolicy, Policy, RefreshPolicy, RetentionPolicy
from schema.retention import Retention
from schema.rollups import DAY, FIVE_MINUTES, HOUR, ROLLUPS
from schema.tables import TIME_SERIES

COMPRESS_READINGS_AFTER: Final = timedelta(days=1)
REFRESH_EVERY: Final = {FIVE_MINUTES: timedelta(minutes=1), HOUR: timedelta(minutes=5), DAY: timedelta(minutes=30)}


def wanted(retention: Retention) -> Iterator[Policy]:
    """All policies, for what is to be kept."""
    yield ColumnstorePolicy("readings", COMPRESS_READINGS_AFTER)
    yield from _retention(TIME_SERIES, retention)
    for rollup in ROLLUPS:
        relation = f"rollup.{rollup.name}"
        yield RefreshPolicy(relation, retention.readings, rollup.width, REFRESH_EVERY[rollup.width])
        if rollup.key == "sensor_id" and retention.readings is not None:
            yield ColumnstorePolicy(relation, retention.readings + 2 * DAY)
    yield from _retention([rollup.name for rollup in ROLLUPS], retention, "rollup.")


def _retention(names: Iterable[str], retention: Retention, schema: str = "") -> Iterator[Policy]:
    for name in names:
        keep = retention.of_relation(name)
        if keep is not None:
            yield RetentionPolicy(schema + name, keep)
