"""What a cluster is called, by the shape of its week: when, and on which days, its roads are slowest."""

from collections import Counter
from typing import Final

import numpy as np

FLAT: Final = 0.1  # least share of the highest speed that is lost, to be called anything else
ALIKE: Final = 0.75  # of the deeper of two dips, to be called by both
WEEKEND: Final = 1.25  # times as deep as on weekdays
MORNING, EVENING = range(5, 12), range(14, 21)


def names_of(centres: np.ndarray) -> list[str]:
    """A name for each centre of 168 hours from Monday 0:00; those that would have the same say how deep they are."""
    names = [name_of(centre) for centre in centres]
    often = Counter(names)
    told = [
        f"{name}, down to {centre.min() / centre.max():.0%}" if often[name] > 1 else name
        for name, centre in zip(names, centres, strict=True)
    ]
    return [name if told.count(name) == 1 else f"{name} ({number})" for number, name in enumerate(told)]


def name_of(centre: np.ndarray) -> str:
    """`flat`, `weekend`, `night`, `midday`, `morning peak`, `evening peak` or `morning and evening peak`."""
    lost = 1 - centre.reshape(7, 24) / centre.max()
    weekdays, weekend = lost[:5].mean(0), lost[5:].mean(0)
    if max(weekdays.max(), weekend.max()) < FLAT:
        return "flat"
    if weekend.max() > WEEKEND * weekdays.max():
        return "weekend"
    morning, evening = weekdays[MORNING.start : MORNING.stop].max(), weekdays[EVENING.start : EVENING.stop].max()
    slowest = int(np.argmax(weekdays))
    if slowest not in MORNING and slowest not in EVENING:
        return "midday" if MORNING.stop <= slowest < EVENING.start else "night"
    if min(morning, evening) >= ALIKE * max(morning, evening):
        return "morning and evening peak"
    return "morning peak" if morning > evening else "evening peak"
