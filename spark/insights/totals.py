"""The city's figures as a whole: the rows of kind `total`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema.days import Days
from spark.insights.comparison import comparable
from spark.insights.insight import (
    BUFFER_INDEX,
    DELAY,
    DELAY_COST,
    INCIDENT_COST,
    INCIDENT_DELAY,
    INCIDENTS,
    PLANNING_TIME_INDEX,
    SECONDS,
    TRAVEL_TIME_INDEX,
    VEHICLE_HOURS,
    Insight,
)
from spark.insights.measures import Compared, DayDelay, Delay, Incident, Reliability
from spark.insights.parameters import Parameters


@dataclass(frozen=True)
class CityDelay:
    """Time lost in the city in a span; of vehicles that are not counted only the seconds of one are known."""

    vehicle_hours: float | None
    seconds: float | None
    buckets: int
    good_share: float | None

    @classmethod
    def of(cls, days: Sequence[DayDelay]) -> "CityDelay":
        return cls(
            known_sum(day.vehicle_hours for day in days),
            weighted_mean((day.seconds, day.buckets) for day in days),
            sum(day.buckets for day in days),
            weighted_mean((day.good_share, day.buckets) for day in days),
        )


@dataclass(frozen=True)
class CityReliability:
    """Indexes of the city: means of its corridors by what was driven on them, or else by their lengths."""

    travel_time_index: float
    planning_time_index: float
    buffer_index: float
    buckets: int
    good_share: float | None

    @classmethod
    def of(cls, corridors: Mapping[str, Reliability], delay: Mapping[str, Delay]) -> "CityReliability | None":
        driven = [delay[subject].vehicle_km if subject in delay else None for subject in corridors]
        lengths = [corridor.length_m for corridor in corridors.values()]
        weights = lengths if None in driven else [km or 0.0 for km in driven]
        weighted = [*zip(corridors.values(), weights, strict=True)]
        travel = weighted_mean((corridor.travel_time_index, weight) for corridor, weight in weighted)
        planning = weighted_mean((corridor.planning_time_index, weight) for corridor, weight in weighted)
        if travel is None or planning is None:
            return None
        buckets = sum(corridor.buckets for corridor in corridors.values())
        good_share = weighted_mean((corridor.good_share, corridor.buckets) for corridor in corridors.values())
        return cls(travel, planning, planning / travel - 1, buckets, good_share)


def delay_totals(by_day: Sequence[DayDelay], now: Days, parameters: Parameters) -> list[Insight]:
    """Time lost and what it cost, with that of each day; in seconds of one vehicle where none are counted."""
    days, days_before = ([day for day in by_day if (day.day in now) is inside] for inside in (True, False))
    city = CityDelay.of(days)
    before = comparable(city, CityDelay.of(days_before))
    counted = city.vehicle_hours is not None
    detail = {
        "good_share": city.good_share,
        "days": _daily(days, counted=counted),
        "days_before": _daily(days_before, counted=counted),
    }
    if city.vehicle_hours is None:
        seconds = city.seconds or 0.0
        return [Insight("total", DELAY, seconds, SECONDS, before.seconds if before else None, detail)]
    hours = before.vehicle_hours if before else None
    cost = None if hours is None else parameters.cost(hours)
    shares = {"good_share": city.good_share}
    return [
        Insight("total", DELAY, city.vehicle_hours, VEHICLE_HOURS, hours, detail),
        Insight("total", DELAY_COST, parameters.cost(city.vehicle_hours), parameters.currency, cost, shares),
    ]


def reliability_totals(reliability: Compared[Reliability], delay: Compared[Delay]) -> list[Insight]:
    """The city's indexes; none without a corridor."""
    city = CityReliability.of(reliability.now, delay.now)
    if city is None:
        return []
    before = CityReliability.of(reliability.before, delay.before)
    former = comparable(city, before) if before else None
    figures = {
        TRAVEL_TIME_INDEX: "travel_time_index",
        PLANNING_TIME_INDEX: "planning_time_index",
        BUFFER_INDEX: "buffer_index",
    }
    detail = {"good_share": city.good_share}
    return [
        Insight("total", index, getattr(city, name), index, getattr(former, name, None), detail)
        for index, name in figures.items()
    ]


def incident_totals(incidents: Compared[Incident], parameters: Parameters, *, comparable: bool) -> list[Insight]:
    """How many there were and what they cost; the cost only where vehicles are counted."""
    now, before = [*incidents.now.values()], [*incidents.before.values()]
    hours, former = (known_sum(incident.vehicle_hours for incident in each) for each in (now, before))
    good_share = weighted_mean((incident.good_share, 1) for incident in now)
    detail: dict[str, Any] = {
        "good_share": good_share,
        "uncounted": sum(incident.vehicle_hours is None for incident in now),
    }
    found = [Insight("total", INCIDENTS, len(now), INCIDENTS, len(before) if comparable else None, detail)]
    if hours is None:
        return found
    past = former if comparable else None
    cost = None if past is None else parameters.cost(past)
    return [
        *found,
        Insight("total", INCIDENT_DELAY, hours, VEHICLE_HOURS, past, detail),
        Insight("total", INCIDENT_COST, parameters.cost(hours), parameters.currency, cost, detail),
    ]


def known_sum(values: Iterable[float | None]) -> float | None:
    """Of those that are known; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def weighted_mean(pairs: Iterable[tuple[float | None, float]]) -> float | None:
    """Of the values that are known, each with its weight; None if none has one."""
    known = [(value, weight) for value, weight in pairs if value is not None and weight > 0]
    return sum(value * weight for value, weight in known) / sum(weight for _, weight in known) if known else None


def _daily(days: Sequence[DayDelay], *, counted: bool) -> list[dict[str, Any]]:
    return [{"day": day.day.isoformat(), "value": day.vehicle_hours if counted else day.seconds} for day in days]
