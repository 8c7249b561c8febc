"""Who waits for one receiver: each has a line of its own, so that a receiver that hangs holds up nobody else's."""

from collections import deque
from dataclasses import dataclass, field

from alerting.channels.contract import Sender
from alerting.delivery.breaker import Breaker
from alerting.delivery.outbox import Due


@dataclass
class Line:
    """Those that wait, and how many are being sent."""

    name: str
    kind: str
    sender: Sender
    breaker: Breaker
    waiting: deque[Due] = field(default_factory=deque)
    sending: int = 0

    def __len__(self) -> int:
        return len(self.waiting) + self.sending

    def next(self) -> Due | None:
        """Who may be sent now; None where nobody waits or all places are taken."""
        if self.waiting and self.sending < self.breaker.width(self.sender.width):
            return self.waiting.popleft()
        return None

    def sent_away(self) -> list[Due]:
        """All that wait while the receiver is left alone; they come again later."""
        if self.breaker.remaining_s() == 0:
            return []
        away = list(self.waiting)
        self.waiting.clear()
        return away

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember of it."""
        return not len(self) and not self.breaker.failing


def line_name(kind: str, destination: str, *, shared: bool) -> str:
    """As `claim.sql` has it."""
    return f"{kind}:{'' if shared else destination}"
