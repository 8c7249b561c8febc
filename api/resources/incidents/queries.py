"""What is asked of incidents."""

from datetime import timedelta

from sqlalchemy import Select, func, select

from schema.tables import incidents


def incident_list(limit: int, cleared_within: timedelta) -> Select[tuple[object, ...]]:
    """Active incidents, then those cleared within `cleared_within` of the newest update; each newest first."""
    newest = select(func.max(incidents.c.time)).scalar_subquery()
    return (
        select(incidents)
        .where((incidents.c.status != "cleared") | (incidents.c.cleared_at > newest - cleared_within))
        .order_by(incidents.c.status == "cleared", incidents.c.started_at.desc(), incidents.c.id)
        .limit(limit)
    )
