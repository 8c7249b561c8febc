"""A comparison as it is told."""

from typing import Any, Final

from sqlalchemy import CTE, Boolean, ColumnElement, Double, Text, case, column, func, table

from api.http.shapes import Shape, rounded, shape, told

#: Of the normal distribution, for 95 %.
QUANTILE: Final = 1.96
LEAST_ALIKE: Final = 0.5
"""Of what one span has of its hours the other must have so much for them to be compared."""

_HOURS: Final = table(
    "hours",
    column("subject", Text),
    column("after", Boolean),
    *[column(f"{name}_{part}", Double) for name in ("speed_kmh", "volume_vph") for part in ("sum", "count")],
)


def compared(hours: CTE | Any = _HOURS, lengths: tuple[float, float] = (1, 1)) -> Shape:
    """One row a subject, of hours grouped by subject; `lengths` are those of the span and the baseline."""
    speed = hours.c.speed_kmh_sum / func.nullif(hours.c.speed_kmh_count, 0)
    after, before = hours.c.after, ~hours.c.after
    known = [func.count(speed).filter(when) / length for when, length in zip((after, before), lengths, strict=True)]
    change = case(
        (
            func.least(*known) >= LEAST_ALIKE * func.greatest(*known),
            func.avg(speed).filter(after) - func.avg(speed).filter(before),
        )
    )
    margin = QUANTILE * func.sqrt(_squared_error(speed, after) + _squared_error(speed, before))
    return shape(
        "Comparison",
        "A span against a baseline",
        [
            told(hours.c.subject, "subject", "what is compared: an area, a corridor, a sensor, or city", "Manhattan"),
            told(rounded(func.avg(speed).filter(after), 2), "speed_kmh", "mean of the span's hourly means", 38.2),
            told(
                rounded(func.avg(speed).filter(before), 2),
                "baseline_speed_kmh",
                "mean of the baseline's hourly means",
                41.0,
            ),
            told(
                rounded(change, 2),
                "change_kmh",
                "span minus baseline; null where one has less than half of what the other has of its hours",
                -2.8,
            ),
            told(
                rounded(100 * change / func.nullif(func.avg(speed).filter(before), 0), 2),
                "change_percent",
                "of the baseline",
                -6.83,
            ),
            told(rounded(change - margin, 2), "change_low_kmh", "lower end of the change's 95 % interval", -3.4),
            told(rounded(change + margin, 2), "change_high_kmh", "upper end of the change's 95 % interval", -2.2),
            told(
                rounded(_volume(hours, after), 1), "volume_vph", "mean volume in the span, vehicles per hour", 1210.0
            ),
            told(
                rounded(_volume(hours, before), 1),
                "baseline_volume_vph",
                "mean volume in the baseline, vehicles per hour",
                1185.0,
            ),
            told(func.count(speed).filter(after), "hours", "hours of the span with good readings", 168),
            told(
                func.count(speed).filter(before),
                "baseline_hours",
                "hours of the baseline with good readings",
                168,
            ),
        ],
    )


def _squared_error(speed: ColumnElement[Any], period: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.var_samp(speed).filter(period) / func.count(speed).filter(period)


def _volume(hours: Any, period: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(hours.c.volume_vph_sum).filter(period) / func.nullif(
        func.sum(hours.c.volume_vph_count).filter(period), 0
    )
