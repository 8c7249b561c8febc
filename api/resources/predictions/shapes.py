"""Predictions as they are told, and how well they came true."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import INTERVAL

from api.http.shapes import rounded, shape, told
from schema.relations import rollups
from schema.rollups import FIVE_MINUTES
from schema.tables import links, predictions, sensors

HORIZON: Final = cast(func.extract("epoch", predictions.c.time - predictions.c.made_at) / 60, Integer)
_FREE_FLOW: Final = func.coalesce(sensors.c.free_flow_speed_kmh, links.c.free_flow_speed_kmh)
_RATIO: Final = rounded(predictions.c.speed_kmh / func.nullif(_FREE_FLOW, 0), 3)

PREDICTION: Final = shape(
    "Prediction",
    "A sensor's speed as it is expected",
    [
        told(sensors.c.external_id, "sensor", "external id, source:id", "nyc-dot:4616337"),
        told(predictions.c.time, "time", "for which it is expected", "2026-03-02T12:15:00Z"),
        told(predictions.c.made_at, "made_at", "when it was predicted", "2026-03-02T12:00:00Z"),
        told(HORIZON, "horizon_minutes", "from made_at to time, minutes", 15),
        told(predictions.c.speed_kmh, "speed_kmh", "expected speed, km/h", 38.4),
        told(predictions.c.lower_kmh),
        told(predictions.c.upper_kmh),
        told(predictions.c.model, "model", "what made it", "gradient-boosting-3"),
        told(_FREE_FLOW, "free_flow_speed_kmh", "speed without other traffic, km/h", 72.0),
        told(_RATIO, "speed_ratio", "expected speed over free-flow speed", 0.53),
        told(func.level_of_service(_RATIO, type_=Text), "los", "level of service, HCM 2010", "C"),
    ],
)


def newest() -> Any:
    """When each sensor's newest prediction was made: by sensor_id, one row each."""
    made = predictions.alias("made")
    return (
        select(made.c.made_at)
        .where(made.c.sensor_id == sensors.c.id)
        .order_by(made.c.time.desc(), made.c.made_at.desc())
        .limit(1)
        .lateral("newest")
    )


def newest_predictions(statement: Select[Any]) -> Select[Any]:
    """`statement` over each sensor's newest predictions that lie ahead of when they were made."""
    made = newest()
    of_newest = and_(predictions.c.sensor_id == sensors.c.id, predictions.c.made_at == made.c.made_at)
    source = sensors.join(made, true()).join(predictions, and_(of_newest, predictions.c.time > made.c.made_at))
    return statement.select_from(source.join(links, links.c.sensor_id == sensors.c.id, isouter=True))


_ACTUAL: Final = rollups["readings_5m"].alias("actual")
_BEFORE: Final = rollups["readings_5m"].alias("before")
_ERROR: Final = predictions.c.speed_kmh - _ACTUAL.c.speed_kmh
_LAST: Final = _BEFORE.c.speed_kmh - _ACTUAL.c.speed_kmh
_INSIDE: Final = and_(_ACTUAL.c.speed_kmh >= predictions.c.lower_kmh, _ACTUAL.c.speed_kmh <= predictions.c.upper_kmh)

SKILL: Final = shape(
    "ForecastSkill",
    "How well predictions of a model came true at a horizon, against the last value known when they were made",
    [
        told(predictions.c.model, "model", "what made them", "gradient-boosting-3"),
        told(HORIZON, "horizon_minutes", "minutes ahead", 15),
        told(cast(func.count(), BigInteger), "predictions", "that have come due and were observed", 12_400),
        told(rounded(func.avg(func.abs(_ERROR)), 3), "mae_kmh", "mean absolute error, km/h", 4.1),
        told(rounded(func.sqrt(func.avg(_ERROR * _ERROR)), 3), "rmse_kmh", "root mean squared error, km/h", 6.4),
        told(
            rounded(100 * func.avg(func.abs(_ERROR) / func.nullif(_ACTUAL.c.speed_kmh, 0)), 2),
            "mape_percent",
            "mean absolute error over the observed speed, of those not standing still",
            9.8,
        ),
        told(
            rounded(func.avg(func.abs(_LAST)), 3),
            "last_value_mae_kmh",
            "the same of the last value, km/h: what a forecast has to beat",
            5.2,
        ),
        told(
            rounded(func.avg(case((_INSIDE, 1.0), (predictions.c.lower_kmh.is_not(None), 0.0))), 3),
            "coverage",
            "share of observations inside the interval, of those that have one",
            0.9,
        ),
    ],
)


def _bucket(time: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.date_bin(literal(FIVE_MINUTES, INTERVAL), time, func.to_timestamp(0))


def came_due() -> Any:
    """Predictions with what was observed in their 5 minutes, and in the last 5 full minutes before they were made."""
    same = _ACTUAL.c.sensor_id == predictions.c.sensor_id
    before = _BEFORE.c.sensor_id == predictions.c.sensor_id
    last = _bucket(predictions.c.made_at) - literal(FIVE_MINUTES, INTERVAL)
    return predictions.join(_ACTUAL, and_(same, _ACTUAL.c.time == _bucket(predictions.c.time))).join(
        _BEFORE, and_(before, _BEFORE.c.time == last), isouter=True
    )


OBSERVED: Final = _ACTUAL.c.speed_kmh.is_not(None)
