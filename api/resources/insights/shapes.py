"""Insights as they are told, and of which run."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select

from api.http.shapes import shape, told
from schema.tables import insights, spark_runs

INSIGHT: Final = shape(
    "Insight",
    "A finding about some days of the city",
    [
        told(insights.c.kind, "kind", "total, worst_delay, worst_reliability, incident_cost, mover_worse, "
             "mover_better or bottleneck", "worst_delay"),
        told(insights.c.rank),
        told(insights.c.subject, "subject", "a corridor, an incident, a sensor, a figure of the city", "FDR Drive N"),
        told(insights.c.value, "value", "in the unit", 1204.5),
        told(insights.c.unit, "unit", "of value and before", "vehicle hours"),
        told(insights.c.before, "before", "the same of as many days before; null where it cannot be compared", 980.0),
        told(insights.c.detail, "detail", "what goes with the figure, always with good_share", {"good_share": 0.97}),
        told(spark_runs.c.id, "run", "that found it, as in /api/v1/runs", "insights-0a1b2c3d4e5f"),
        told(spark_runs.c.span_start, "span_start", "of the days it is about", "2026-03-02T05:00:00Z"),
        told(spark_runs.c.span_end, "span_end", "just after the last of them", "2026-03-09T04:00:00Z"),
        told(spark_runs.c.ended_at, "computed_at", "when the run ended", "2026-03-09T05:00:00Z"),
    ],
)  # fmt: skip


def insights_of(run: str | None = None, days: tuple[datetime, datetime] | None = None) -> Select[Any]:
    """Those of a run; of the newest run about a span; of the run about the newest days, where nothing is said."""
    chosen = select(spark_runs.c.id).where(spark_runs.c.id.in_(select(insights.c.run_id)))
    if run is not None:
        chosen = chosen.where(spark_runs.c.id == run)
    if days is not None:
        chosen = chosen.where(spark_runs.c.span_start == days[0], spark_runs.c.span_end == days[1])
    newest = chosen.order_by(spark_runs.c.span_end.desc(), spark_runs.c.started_at.desc()).limit(1)
    of_run = INSIGHT.select().join_from(insights, spark_runs, spark_runs.c.id == insights.c.run_id)
    return of_run.where(spark_runs.c.id == newest.scalar_subquery())
