"""How fast deliveries are tried, how often, and when they are given up."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_random: Final = secrets.SystemRandom()


@dataclass(frozen=True)
class Pace:
    """`tries` with waits of `first_wait_s`, doubled up to `longest_wait_s`, take about a day.

    A receiver that failed `failures` times in a row is left alone for `pause_s`, doubled up to `longest_wait_s`, and
    then tried with one message.
    """

    tries: int = 32
    first_wait_s: float = 5
    longest_wait_s: float = 3_600
    longest_asked: timedelta = timedelta(hours=6)
    failures: int = 5
    pause_s: float = 30
    look_s: float = 1.0
    lease_s: float = 120
    in_hand: int = 2_000
    of_one: int = 50
    grace_s: float = 4
    held: timedelta = timedelta(minutes=1)

    def wait_s(self, tries: int, asked: timedelta | None) -> float:
        """How long after the try number `tries` the next one is; at least as long as the receiver `asked`."""
        wait = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(tries - 1, 30))
        wished = min(asked, self.longest_asked).total_seconds() if asked is not None else 0.0
        return max(wait * _random.uniform(0.75, 1.25), wished)
