"""What a condition sees of a subject at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schema.alerting.words import Priority


@dataclass(frozen=True, slots=True)
class Observation:
    """`value` is None where there are no data. Where a rule has no bounds, being observed is what counts.

    `labels` are those of the subject, such as `sensor`, `area`, `road`, `corridor` and `source`; an incident's
    `sensor` are all those it affects. `priority` and `since` are the incident's own. What `is_past`
    begins no alert, and ends none.
    """

    subject: str
    name: str
    value: float | None
    labels: Mapping[str, str | list[str]] = field(default_factory=dict)
    priority: Priority | None = None
    since: datetime | None = None
    is_past: bool = False
