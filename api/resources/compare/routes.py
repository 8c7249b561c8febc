"""`/api/v1/compare`: before and after, this week against last."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import CTE, ColumnElement, and_, case, func, literal, or_, select

from api.deps import DatabaseDep
from api.http.answering import SETTLED, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.problems import bad_parameter
from api.http.times import Span, To, WeekFrom, span_of
from api.resources.compare.shapes import compared
from api.resources.filters import Where, WhereDep
from schema.relations import rollups
from schema.rollups import UNASSIGNED
from schema.tables import links, sensors

router = APIRouter(prefix="/compare", tags=["history"])

WEEK = timedelta(days=7)
LONGEST = timedelta(days=366)


class By(StrEnum):
    """What is compared with its own past."""

    CITY, AREA, CORRIDOR, SENSOR = "city", "area", "corridor", "sensor"


BaselineFrom = Annotated[
    str | None,
    Query(max_length=64, description="as `from`; by default the baseline is as long as the span", examples=["-14d"]),
]
BaselineTo = Annotated[
    str | None,
    Query(
        max_length=64,
        description="as `to`; by default the baseline lies a week before, or right before a longer span",
    ),
]
_SPANS = (
    dict[str, str],
    Field(description="the two spans that were compared", examples=[{"from": "2026-03-02T00:00:00Z"}]),
)


@router.get("", **lists(compared(), spans=_SPANS))
async def compare(
    asked: AskedDep,
    database: DatabaseDep,
    where: WhereDep,
    by: Annotated[By, Query(description="what is compared")] = By.AREA,
    from_: WeekFrom = None,
    to: To = "now",
    baseline_from: BaselineFrom = None,
    baseline_to: BaselineTo = None,
) -> Response:
    """Mean speed and volume of a span against a baseline: by default the last seven days against the seven before.

    Hours are the sample: means of hourly means, and the 95 % confidence interval of the change after Welch (1947),
    normal quantile. Hours that follow one another are alike, so that the interval is rather too narrow. There is no
    change where one of the two has less than half of what the other has of its hours.
    """
    now = datetime.now(UTC)
    span = await span_of(database, from_, to, default=WEEK, now=now)
    baseline = await _baseline(database, span, baseline_from, baseline_to, now)
    if span.start < baseline.end and baseline.start < span.end:
        raise bad_parameter("baseline_from", "the baseline overlaps with the span it is compared with")
    if max(span.length, baseline.length) > LONGEST:
        raise bad_parameter("from", f"a span is up to {LONGEST.days} days")
    hours = _hours(by, where, span, baseline)
    lengths = (span.length.total_seconds(), baseline.length.total_seconds())
    rows = compared(hours, lengths).select().group_by(hours.c.subject).subquery()
    shape = compared().over(rows)
    spans = {"from": span.start, "to": span.end, "baseline_from": baseline.start, "baseline_to": baseline.end}
    listing = Listing(shape, shape.select(), (rows.c.subject,), cache=SETTLED, extra={"spans": spans})
    return await answer_list(asked, database, listing)


async def _baseline(database: DatabaseDep, span: Span, start: str | None, end: str | None, now: datetime) -> Span:
    if start is None and end is None:
        back = max(WEEK, span.length)
        return Span(span.start - back, span.end - back)
    end = end or span.start.isoformat()
    return await span_of(database, start, end, default=span.length, name="baseline_", now=now)


def _hours(by: By, where: Where, span: Span, baseline: Span) -> CTE:
    """Each subject's hours: sums of speed and volume, and of which span they are."""
    table = rollups["area_1h" if by in (By.CITY, By.AREA) and not where.conditions() else "readings_1h"].c
    subject: ColumnElement[Any]
    if "area" in table:
        subject = literal("city") if by is By.CITY else table.area
        hours = select()
    else:
        subject = _subject(by)
        source = sensors.join(links, links.c.sensor_id == sensors.c.id, isouter=True)
        hours = select().select_from(source).where(table.sensor_id == sensors.c.id, *where.conditions())
    after = and_(table.time >= span.start, table.time < span.end)
    before = and_(table.time >= baseline.start, table.time < baseline.end)
    sums = [
        func.sum(table[f"{name}_{part}"]).label(f"{name}_{part}") for name in _MEASURES for part in ("sum", "count")
    ]
    columns = [subject.label("subject"), table.time, case((after, True), else_=False).label("after"), *sums]
    grouped = hours.add_columns(*columns).where(or_(after, before)).group_by(subject, table.time)
    return grouped.cte("hours")


_MEASURES = ("speed_kmh", "volume_vph")


def _subject(by: By) -> ColumnElement[Any]:
    return {
        By.CITY: literal("city"),
        By.AREA: func.coalesce(sensors.c.area, UNASSIGNED),
        By.CORRIDOR: func.coalesce(links.c.corridor, UNASSIGNED),
        By.SENSOR: sensors.c.external_id,
    }[by]
