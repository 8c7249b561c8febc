"""What the serving process counts; docs/forecasts.md explains each."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

READINGS: Final = Counter("urbanclear_forecast_readings_total", "Readings that were counted, each once")
UNUSABLE: Final = Counter("urbanclear_forecast_unusable_total", "What messages carried that is no reading")
SENSORS: Final = Gauge("urbanclear_forecast_sensors", "Sensors that were predicted at the last full minute")
PREDICTIONS: Final = Counter("urbanclear_forecast_predictions_total", "Predictions made, by model", ["model"])
MADE: Final = Gauge("urbanclear_forecast_made_timestamp_seconds", "The last full minute that was predicted")
PREDICT_SECONDS: Final = Histogram("urbanclear_forecast_predict_seconds", "To predict all sensors", buckets=_SECONDS)
DELAY_SECONDS: Final = Histogram(
    "urbanclear_forecast_delay_seconds",
    "From a reading in Kafka to its sensor's new prediction there, of the oldest reading each time",
    buckets=_SECONDS,
)
UNDELIVERED: Final = Counter(
    "urbanclear_forecast_undelivered_total", "Predictions that Kafka did not confirm in time"
)
STORED: Final = Counter("urbanclear_forecast_stored_total", "Predictions stored")
STORE_SECONDS: Final = Histogram(
    "urbanclear_forecast_store_seconds", "To store the predictions of a minute", buckets=_SECONDS
)
WAITING: Final = Gauge("urbanclear_forecast_waiting_minutes", "Minutes whose predictions wait to be stored")
DROPPED: Final = Counter(
    "urbanclear_forecast_dropped_minutes_total",
    "Minutes whose predictions were not stored, by reason: too many waited, or the database refused them",
    ["reason"],
)
MODEL: Final = Gauge("urbanclear_forecast_model_info", "1 for the model that forecasts", ["model"])
MODEL_FAILURES: Final = Counter(
    "urbanclear_forecast_model_failures_total",
    "Times that a model was of no use, by what failed: load or forecast",
    ["stage"],
)
