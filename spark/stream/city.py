"""What a stream knows of its city: the sensors and the normal band, read anew when they change.

That is when the patterns job has succeeded again, and when sensors were added or described.
"""

import time
from typing import Final

import psycopg
import pyarrow as pa

from schema.retention import Retention
from spark.anomalies.band import band_of
from spark.anomalies.live import Watch
from spark.calendar import Calendar
from spark.sensors import sensors_of
from spark.stream.roster import Readings, Roster
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("stream")

LOOK_S: Final = 10.0
UNKNOWN_LOOK_S: Final = 1.0  # while readings come of sensors that are not known
UNKNOWN_SHOWN: Final = 5
_VERSIONS: Final = """
    SELECT (SELECT id FROM spark_runs WHERE job = 'patterns' AND status = 'succeeded' ORDER BY ended_at DESC LIMIT 1),
           (SELECT (count(*), max(updated_at))::text FROM sensors)
"""


class City:
    """Raises `ConfigurationError` where there are no sensors yet; every call raises `psycopg.OperationalError` while
    the database is away."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url, self._settings = url, settings
        self._calendar = Calendar(settings.time_zone, settings.holidays)
        self._normal_run, self._described = self._versions()
        self._looked = time.monotonic()
        self._unknown: set[str] = set()
        self._sensors, self._roster = sensors_of(url), Roster.of(url)
        self._band = band_of(url)
        self._tell()

    def watch(self, state: bytes | None) -> Watch:
        """A detector that goes on from `state`."""
        watch = Watch(self._sensors, self._band, self._calendar, self._settings.stuck_after)
        if state is not None:
            watch.go_on_from(state)
        return watch

    def readings(self, batch: pa.Table) -> Readings:
        """The plausible readings of known sensors; which are not known is logged once."""
        oldest = Retention.of(self._settings).oldest_accepted(self._settings).timestamp()
        latest = time.time() + self._settings.future_tolerance.total_seconds()
        found = self._roster.readings(batch, (oldest, latest))
        if new := set(found.unknown) - self._unknown:
            log.warning("unknown_sensors", sensors=len(new), some=sorted(new)[:UNKNOWN_SHOWN])
        self._unknown = set(found.unknown)
        return found

    def renewed(self) -> bool:
        """Look, unless that was a moment ago; whether there is something new, which is then known."""
        if time.monotonic() - self._looked < (UNKNOWN_LOOK_S if self._unknown else LOOK_S):
            return False
        normal_run, described = self._versions()
        self._looked = time.monotonic()
        if (normal_run, described) == (self._normal_run, self._described):
            return False
        self._sensors, self._roster = sensors_of(self._url), Roster.of(self._url)
        if normal_run != self._normal_run:
            self._band = band_of(self._url)
        self._normal_run, self._described = normal_run, described
        self._tell()
        return True

    def _versions(self) -> tuple[str | None, str]:
        with psycopg.connect(self._url) as connection:
            row = connection.execute(_VERSIONS).fetchone()
        return (None, "") if row is None else (row[0], row[1])

    def _tell(self) -> None:
        log.info("city_read", sensors=len(self._sensors), normal_of=self._normal_run)
        if self._normal_run is None:
            log.warning("nothing_is_known_to_be_normal", do="urbanclear spark patterns")
