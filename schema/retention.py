"""How long each level is kept, from the settings; hourly and daily rollups are kept for ever.

Predictions, which are many, are kept for a while; how well they came true stays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from urbanclear.settings import Settings

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Retention:
    """None stands for ever."""

    readings: timedelta | None = None
    rollups_5m: timedelta | None = None
    predictions: timedelta | None = None
    alerts: timedelta | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Retention":
        return cls(
            settings.readings_retention,
            settings.rollups_5m_retention,
            settings.predictions_retention,
            settings.alerts_retention,
        )

    def of_relation(self, relation: str) -> timedelta | None:
        """For a time series or a rollup, by its name in `public`."""
        of_series = {"readings": self.readings, "predictions": self.predictions, "notification_log": self.alerts}
        return self.rollups_5m if relation.endswith("_5m") else of_series.get(relation)

    def oldest_reading(self) -> datetime:
        """Readings from before this may be gone, and what is computed from them stays as it is."""
        return BEGINNING if self.readings is None else datetime.now(UTC) - self.readings

    def oldest_prediction(self) -> datetime:
        """Predictions for before this may be gone, or the readings that they are scored against."""
        oldest = BEGINNING if self.predictions is None else datetime.now(UTC) - self.predictions
        return max(oldest, self.oldest_reading())

    def oldest_accepted(self, settings: Settings) -> datetime:
        """Readings from before this are not accepted."""
        return max(settings.oldest_time, self.oldest_reading())

    def oldest_bucket(self) -> datetime:
        """5-minute rollups from before this may be gone; they are kept at least as long as readings."""
        return BEGINNING if self.rollups_5m is None else datetime.now(UTC) - self.rollups_5m
