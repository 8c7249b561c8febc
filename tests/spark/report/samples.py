"""Insights of a made-up week, as the job would give them."""

from dataclasses import replace
from datetime import date
from typing import Any

from schema.days import Days
from spark.insights.insight import Insight, ranked
from spark.insights.parameters import Parameters

DAYS = Days(date(2026, 3, 2), date(2026, 3, 8))
PARAMETERS = Parameters("America/New_York", 0.95)
ROADS = ("FDR Drive N", "Broadway S", "West Side Highway N", "Bruckner Expressway E", "Flatbush Avenue S", "BQE W")


def week(roads: tuple[str, ...] = ROADS) -> list[Insight]:
    """A full week: every section has something to tell."""
    return [
        *ranked(_totals()),
        *_listed("worst_delay", roads, 812.0, "vehicle hours", cost=1000, seconds_per_vehicle=70),
        *_listed(
            "worst_reliability",
            roads,
            3.1,
            "planning time index",
            travel_time_index=1.6,
            buffer_index=0.94,
            buffer_index_before=0.9,
            worst_period="pm peak",
        ),
        *_listed(
            "incident_cost",
            tuple(f"collision on {road}" for road in roads),
            41_000.0,
            "USD",
            incident_id="nyc:1",
            vehicle_hours=1300.0,
            severity="high",
            started_at="2026-03-05T22:10:00+00:00",
            duration_minutes=50.0,
        ),
        *_listed("mover_worse", roads, 400.0, "vehicle hours", change=50),
        *_listed("mover_better", roads, 1.2, "travel time index", change=-0.2),
        *_listed(
            "bottleneck",
            roads,
            99.5,
            "vehicle hours",
            sensor="nyc:1",
            corridor=roads[0],
            days=5,
            active_minutes=420,
            max_extent_m=2400.0,
        ),
    ]


def without(kind: str, insights: list[Insight]) -> list[Insight]:
    """The same without those of a kind."""
    return [insight for insight in insights if insight.kind != kind]


def _totals() -> list[Insight]:
    good: dict[str, Any] = {"good_share": 0.97}
    days = [{"day": f"{day}", "value": 500.0 + 40 * number} for number, day in enumerate(DAYS)]
    former = [{"day": f"{day}", "value": 520.0} for day in DAYS.before]
    return [
        Insight("total", "delay", 4340.0, "vehicle hours", 3640.0, {**good, "days": days, "days_before": former}),
        Insight("total", "cost of delay", 1_391_923.0, "USD", 1_167_400.0, good),
        Insight("total", "planning time index", 1.83, "planning time index", 1.83, good),
        Insight("total", "incidents", 12, "incidents", 20, {**good, "uncounted": 0}),
        Insight("total", "cost of incidents", 99_000.0, "USD", None, good),
    ]


def _listed(kind: Any, roads: tuple[str, ...], value: float, unit: str, **detail: Any) -> list[Insight]:
    first = Insight(kind, "", value, unit, value * 0.8, {"good_share": 0.95, **detail})
    return ranked(replace(first, subject=road, value=value / number) for number, road in enumerate(roads, 1))
