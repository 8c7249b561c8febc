"""What is normal of a subject: as `urbanclear spark patterns` wrote it down, else computed as it is asked for.

What the job wrote holds until four weeks after its span: then no reading is behind both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import ARRAY, Date, FromClause, Integer, Select, Subquery, Text, and_, bindparam, column, select, text
from sqlalchemy.dialects.postgresql import INTERVAL

from api.database import Database
from api.resources.patterns.shapes import PATTERN
from schema.tables import Time, profiles, seasonality, sensors, spark_runs
from urbanclear.public_holidays import holidays_between

WEEKS: Final = timedelta(days=28)
AHEAD: Final = timedelta(days=7)
_SQL: Final = files(__package__).joinpath("pattern.sql").read_text()

Kind = Literal["sensor", "area"]


@dataclass(frozen=True)
class Calendar:
    """Whose days they are."""

    time_zone: str
    region: str

    def holidays(self, first: datetime, last: datetime) -> list[date]:
        """Public holidays from the day of `first` to that of `last`."""
        zone = ZoneInfo(self.time_zone)
        return holidays_between(self.region, first.astimezone(zone).date(), last.astimezone(zone).date())


@dataclass(frozen=True)
class Normal:
    """The pattern of one subject, and what is told of it beside."""

    rows: Subquery
    about: dict[str, Any] = field(default_factory=dict)


_ZONES: Final = ["America/New_York"]
_RUSH: Final = {"day_type": "weekday", "from_minute": 435, "to_minute": 600, "slowest_minute": 495, "depth": 0.42}
#: What is told beside a pattern, for OpenAPI.
ABOUT: Final[dict[str, tuple[Any, Any]]] = {
    "time_zone": (str, Field(description="whose days and minutes of the day they are", examples=_ZONES)),
    "holidays": (
        list[date],
        Field(description="public holidays from four weeks before the newest reading to a week after it"),
    ),
    "source": (
        Literal["profiles", "readings"],
        Field(description="profiles: as the patterns job wrote it; readings: computed as it was asked for"),
    ),
    "span_start": (datetime | None, Field(None, description="of the readings behind it")),
    "span_end": (datetime | None, Field(None, description="just after the last of them")),
    "run": (str | None, Field(None, description="of the job, as in /api/v1/runs")),
    "computed_at": (datetime | None, Field(None, description="by the job; null where it was computed as asked")),
    "daily_strength": (float | None, Field(None, description=seasonality.c.daily_strength.comment)),
    "weekly_strength": (float | None, Field(None, description=seasonality.c.weekly_strength.comment)),
    "rush_hours": (
        list[dict[str, Any]] | None,
        Field(
            None,
            description="with the share of free speed that is lost; null where no job has looked for them",
            examples=[[_RUSH]],
        ),
    ),
}

_RUN: Final = {
    "span_start": spark_runs.c.span_start,
    "span_end": spark_runs.c.span_end,
    "run": spark_runs.c.id,
    "computed_at": spark_runs.c.ended_at,
    "daily_strength": seasonality.c.daily_strength,
    "weekly_strength": seasonality.c.weekly_strength,
    "rush_hours": seasonality.c.rush_hours,
}


async def normal_of(
    database: Database, calendar: Calendar, kind: Kind, name: str, key: int | str, newest: datetime | None
) -> Normal:
    """Of the sensor or the area `name`, whose key in the rollups is `key` and whose newest reading is of `newest`."""
    about: dict[str, Any] = {"time_zone": calendar.time_zone, "holidays": [], "source": "readings"}
    about |= dict.fromkeys(_RUN)
    if newest is None:
        return Normal(computed(kind, {}, calendar), about)
    about["holidays"] = calendar.holidays(newest - WEEKS, newest + AHEAD)
    for row in await database.rows(_written(kind, name)):
        if still_holds(row["span_end"], newest):
            return Normal(written(kind, [name]), {**about, **row, "source": "profiles"})
    about |= {"span_start": newest - WEEKS, "span_end": newest}
    return Normal(computed(kind, {key: newest}, calendar), about)


def still_holds(span_end: datetime | None, newest: datetime) -> bool:
    """Whether what a run wrote of a span until `span_end` is told; None: there was no run."""
    return span_end is not None and span_end > newest - WEEKS


def _written(kind: Kind, name: str) -> Select[Any]:
    of_run = select(*[column.label(told) for told, column in _RUN.items()])
    of_run = of_run.join_from(seasonality, spark_runs, seasonality.c.run_id == spark_runs.c.id)
    return of_run.where(seasonality.c.subject_kind == kind, seasonality.c.subject == name)


def with_runs(source: FromClause) -> FromClause:
    """`source`, which has `sensors`, with the run of each sensor's profile, where there is one."""
    of_sensor = and_(seasonality.c.subject_kind == "sensor", seasonality.c.subject == sensors.c.external_id)
    found = source.join(seasonality, of_sensor, isouter=True)
    return found.join(spark_runs, spark_runs.c.id == seasonality.c.run_id, isouter=True)


def written(kind: Kind, names: list[str]) -> Subquery:
    """The patterns of subjects as the job wrote them; each row has its `subject`, a name."""
    columns = [profiles.c[field.name] for field in PATTERN.fields]
    found = select(profiles.c.subject, *columns).where(profiles.c.subject_kind == kind)
    return found.where(profiles.c.subject.in_(names)).subquery()


def computed(kind: Kind, subjects: Mapping[Any, datetime], calendar: Calendar) -> Subquery:
    """The patterns of subjects, each of the four weeks to its newest reading; each row has its `subject`, a key."""
    relation, key, type_ = ("area_5m", "area", Text()) if kind == "area" else ("readings_5m", "sensor_id", Integer())
    ends = list(subjects.values()) or [datetime.fromtimestamp(0, UTC)]
    start, end = min(ends) - WEEKS, max(ends)
    statement = text(_SQL.format(relation=relation, key=key)).bindparams(
        bindparam("subjects", list(subjects), ARRAY(type_)),
        bindparam("newest", list(subjects.values()), ARRAY(Time)),
        bindparam("span", WEEKS, INTERVAL),
        bindparam("start", start),
        bindparam("end", end),
        bindparam("zone", calendar.time_zone),
        bindparam("holidays", calendar.holidays(start, end), ARRAY(Date)),
    )
    return statement.columns(column("subject", type_), *[field.column for field in PATTERN.fields]).subquery()
