"""The lists of the worst: corridors by delay and by unreliability, incidents by cost, bottlenecks by delay."""

from collections.abc import Mapping
from typing import Any

from spark.insights.comparison import comparable
from spark.insights.insight import MINUTES, PLANNING_TIME_INDEX, SECONDS, VEHICLE_HOURS, Insight, highest
from spark.insights.measures import Bottleneck, Compared, Delay, Incident, Reliability
from spark.insights.parameters import Parameters


def worst_delay(delay: Compared[Delay], parameters: Parameters) -> list[Insight]:
    """By vehicle hours; where no corridor counts vehicles, by the seconds that one vehicle lost."""
    counted = any(corridor.vehicle_hours is not None for corridor in delay.now.values())
    unit, name = (VEHICLE_HOURS, "vehicle_hours") if counted else (SECONDS, "seconds")
    found = []
    for subject, corridor in delay.now.items():
        value = getattr(corridor, name)
        before = comparable(corridor, delay.before.get(subject))
        if value:
            detail: dict[str, Any] = {"good_share": corridor.good_share, "seconds_per_vehicle": corridor.seconds}
            if counted:
                detail["cost"] = parameters.cost(value)
            found.append(Insight("worst_delay", subject, value, unit, getattr(before, name, None), detail))
    return highest(found, parameters.top)


def worst_reliability(reliability: Compared[Reliability], parameters: Parameters) -> list[Insight]:
    """By planning time index."""
    found = []
    for subject, corridor in reliability.now.items():
        before = comparable(corridor, reliability.before.get(subject))
        detail = {
            "good_share": corridor.good_share,
            "travel_time_index": corridor.travel_time_index,
            "buffer_index": corridor.buffer_index,
            "buffer_index_before": before.buffer_index if before else None,
            "worst_period": corridor.worst_period,
        }
        past = before.planning_time_index if before else None
        value = corridor.planning_time_index
        found.append(Insight("worst_reliability", subject, value, PLANNING_TIME_INDEX, past, detail))
    return highest(found, parameters.top)


def incident_cost(incidents: Mapping[str, Incident], parameters: Parameters) -> list[Insight]:
    """By money; those of which no vehicle was counted are left out."""
    found = []
    for incident in incidents.values():
        if incident.vehicle_hours is not None:
            detail = {
                "good_share": incident.good_share,
                "incident_id": incident.incident_id,
                "vehicle_hours": incident.vehicle_hours,
                "severity": incident.severity,
                "started_at": incident.started_at,
                "duration_minutes": incident.duration_minutes,
            }
            value = parameters.cost(incident.vehicle_hours)
            found.append(Insight("incident_cost", _named(incident), value, parameters.currency, detail=detail))
    return highest(found, parameters.top)


def bottlenecks(heads: Compared[Bottleneck], parameters: Parameters) -> list[Insight]:
    """By vehicle hours in the queue; where no vehicles are counted, by the minutes in which it was active."""
    counted = any(head.vehicle_hours is not None for head in heads.now.values())
    unit, name = (VEHICLE_HOURS, "vehicle_hours") if counted else (MINUTES, "active_minutes")
    found = []
    for sensor, head in heads.now.items():
        value = getattr(head, name)
        if value:
            detail = {
                "good_share": head.good_share,
                "sensor": sensor,
                "corridor": head.corridor,
                "days": head.days,
                "active_minutes": head.active_minutes,
                "max_extent_m": head.max_extent_m,
            }
            before = getattr(heads.before.get(sensor), name, None)
            found.append(Insight("bottleneck", head.name, value, unit, before, detail))
    return highest(found, parameters.top)


def _named(incident: Incident) -> str:
    kind, place = incident.kind.replace("_", " "), incident.road or incident.area
    return f"{kind} on {place}" if place else kind
