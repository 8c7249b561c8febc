"""Level of service of a road from its speed, one place for the thresholds.

Highway Capacity Manual 2010, exhibit 16-4 (urban streets): the class follows from the travel speed as a share of
the free-flow speed.
"""

from typing import Final, Literal

LevelOfService = Literal["A", "B", "C", "D", "E", "F"]

#: The least share of free-flow speed of each class; below the last it is F.
LEAST_RATIO: Final[tuple[tuple[LevelOfService, float], ...]] = (
    ("A", 0.85),
    ("B", 0.67),
    ("C", 0.50),
    ("D", 0.40),
    ("E", 0.30),
)

#: How each class is drawn, on the live page's light ground and on dashboards.
COLOURS: Final[dict[LevelOfService, str]] = {
    "A": "#1ca97d",
    "B": "#1ca97d",
    "C": "#a0cd3b",
    "D": "#ff8e08",
    "E": "#d2421c",
    "F": "#6e0a30",
}


def speed_ratio(speed_kmh: float | None, free_flow_speed_kmh: float | None) -> float | None:
    """Speed over free-flow speed, rounded to 0.001; None where either is unknown."""
    if speed_kmh is None or not free_flow_speed_kmh:
        return None
    return round(speed_kmh / free_flow_speed_kmh, 3)


def level_of_service(ratio: float | None) -> LevelOfService | None:
    """The class of a speed ratio (0 and up); None for None."""
    if ratio is None:
        return None
    return next((level for level, least in LEAST_RATIO if ratio > least), "F")
