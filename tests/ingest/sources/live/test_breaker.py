"""The breaker as a state machine: whatever happens, a dead server is left alone and one that is back is heard."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingest.sources.live.breaker import BACKOFF_BASE_S, BACKOFF_CAP_S, Breaker, State, full_jitter_s

FAILURES = 3
PAUSE_S = 60.0


class BreakerMachine(RuleBasedStateMachine):
    """Drives a breaker by answers and by time, and keeps count beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.failures = 0
        self.opened_at: float | None = None
        self.breaker = Breaker(
            failures=FAILURES, pause_s=PAUSE_S, clock=lambda: self.now, draw=lambda low, high: (low + high) / 2
        )

    @rule()
    def answer_well(self) -> None:
        self.breaker.succeed()
        self.failures, self.opened_at = 0, None

    @rule()
    @precondition(lambda self: self.breaker.state is not State.OPEN)
    def fail(self) -> None:
        tried = self.breaker.state
        wait = self.breaker.fail()
        self.failures += 1
        if tried is State.HALF_OPEN or self.failures >= FAILURES:
            self.opened_at = self.now
            assert wait == PAUSE_S
        else:
            assert 0 <= wait <= BACKOFF_CAP_S

    @rule(seconds=st.floats(min_value=0, max_value=2 * PAUSE_S))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def is_open_for_its_pause_and_then_tries(self) -> None:
        if self.opened_at is None:
            assert self.breaker.state is State.CLOSED
        else:
            is_over = self.now >= self.opened_at + PAUSE_S
            assert self.breaker.state is (State.HALF_OPEN if is_over else State.OPEN)

    @invariant()
    def counts_failures_in_a_row(self) -> None:
        assert self.breaker.failures == self.failures


TestBreaker = BreakerMachine.TestCase


@given(st.integers(min_value=1, max_value=10_000))
def test_the_back_off_lies_between_nothing_and_a_bound_that_doubles(failures: int) -> None:
    assert full_jitter_s(failures, lambda low, high: low) == 0
    assert full_jitter_s(failures, lambda low, high: high) == min(
        int(BACKOFF_CAP_S), int(BACKOFF_BASE_S) * 2 ** (failures - 1)
    )


def test_a_trial_that_fails_opens_the_breaker_again_at_once() -> None:
    now = 0.0
    breaker = Breaker(failures=FAILURES, pause_s=PAUSE_S, clock=lambda: now)
    states = []
    for wait in (0.0, 0.0, 0.0, PAUSE_S):
        now += wait
        states.append(breaker.state)
        breaker.fail()
    assert [*states, breaker.state] == [State.CLOSED, State.CLOSED, State.CLOSED, State.HALF_OPEN, State.OPEN]
