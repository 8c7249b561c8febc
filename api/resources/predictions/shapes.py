"""Predictions as they are told, and how well they came true."""

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Double, Integer, Select, Text, and_, cast, func, select, true

from api.http.shapes import Told, rounded, shape, told
from schema.relations import forecast_skill
from schema.tables import forecast_totals, links, predictions, sensors

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


_SUMS: Final = forecast_totals.c


def _mean(total: ColumnElement[Any], of: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.sum(total) / func.nullif(cast(func.sum(of), Double), 0)


def _of_span(name: str, value: ColumnElement[Any], example: object) -> Told:
    """Explained as in the view, which has it by day."""
    return told(value, name, forecast_skill.c[name].comment or "", example)


SKILL: Final = shape(
    "ForecastSkill",
    "How well predictions of a model came true at a horizon, against the last speed known when they were made, and "
    "against the normal one",
    [
        _of_span("model", _SUMS.model, "network-2026-11-29-1"),
        _of_span("horizon_minutes", _SUMS.horizon_minutes, 15),
        _of_span("predictions", cast(func.sum(_SUMS.predictions), BigInteger), 12_400),
        _of_span("mae_kmh", rounded(_mean(_SUMS.abs_error, _SUMS.predictions), 3), 4.1),
        _of_span("rmse_kmh", rounded(func.sqrt(_mean(_SUMS.sq_error, _SUMS.predictions)), 3), 6.4),
        _of_span("mape_percent", rounded(100 * _mean(_SUMS.relative_error, _SUMS.relative), 2), 9.8),
        _of_span("persistence_mae_kmh", rounded(_mean(_SUMS.persistence_error, _SUMS.persistence), 3), 5.2),
        _of_span("profile_mae_kmh", rounded(_mean(_SUMS.profile_error, _SUMS.profile), 3), 6.0),
        _of_span("skill", rounded(1 - _mean(_SUMS.paired_error, _SUMS.persistence_error), 3), 0.212),
        _of_span("coverage", rounded(_mean(_SUMS.inside, _SUMS.intervals), 3), 0.9),
        _of_span("width_kmh", rounded(_mean(_SUMS.width, _SUMS.intervals), 2), 17.5),
    ],
)
