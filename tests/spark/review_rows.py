"""The rows of the tables in docs/anomalies-read.md, from a review."""

from spark.review.coincidence import Coincidence
from spark.review.days import Day


def day_row(one: Day) -> str:
    shares = " | ".join(f"{share:.1%}" for share in (one.slow, one.dropped, one.slow_in_drop))
    counts = " | ".join(f"{count:,}" for count in (one.drops, one.sensors, one.most_at_once))
    return f"| {one.day} | {one.speed_ratio:.2f} | {shares} | {counts} |"


def incident_row(one: Coincidence) -> str:
    counts = " | ".join(f"{count:,}" for count in (one.counted, *one.outcomes.values()))
    chances = f"{one.by_chance:.1f} | {one.by_chance_at_that_time:.1f} ± {one.spread:.1f}"
    return f"| {one.metres:g} m | {one.minutes:g} min | {counts} | {chances} |"
