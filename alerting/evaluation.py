"""Evaluates rules when they are due: from what is seen now, through the state machine, to what is kept.

One transaction for each rule has its alerts' changes, what happened and the notices; states in memory follow once it
is committed. Rules of incidents are also evaluated as soon as an incident changes. While a whole source is silent,
what its subjects lack is not told of each.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg.errors import QueryCanceled
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.conditions import Context, observe, sources_down
from alerting.database import leading
from alerting.dispatch.notices import plan_firing, plan_resolved
from alerting.metrics import CHANGES, EVALUATION, FAILURES, LATE, RULES, SUBJECTS
from alerting.observation import Observation
from alerting.rulebook import Rulebook
from alerting.states import State, advance, ended
from alerting.store import Happened, open_states, write_changes, write_values
from alerting.templates import About, fill
from schema.alerting.definitions import Kept
from schema.alerting.events import values_of
from schema.alerting.rules import Rule, Silent
from schema.database import AWAY, problem_of
from urbanclear.errors import UrbanclearError
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

LONGEST_WAIT: Final = timedelta(seconds=1)
"""After which it is looked whether rules were changed."""
VALUES_KEPT_EACH: Final = timedelta(minutes=1)

FAILING: Final = Rule.model_validate(
    {
        "name": "rule-failing",
        "title": "The rule {{ name }} cannot be evaluated",
        "description": "Nothing that it watches is told of until it can. {{ labels.problem }}",
        "when": {"kind": "sql", "query": "-- the engine itself"},
        "priority": "high",
    }
)
"""What holds of a rule whose evaluation failed; it is not among the definitions."""

Key = tuple[str, str]
log = get_logger("alerting")


@dataclass(frozen=True)
class Outcome:
    """What one evaluation of a rule makes of what it saw: the new states of its subjects, and what happened."""

    states: Mapping[Key, State | None]
    happened: Sequence[Happened]


def judge(
    kept: Kept[Rule], seen: Iterable[Observation], states: Mapping[Key, State], down: frozenset[str], now: datetime
) -> Outcome:
    """Each subject that was seen, or has an alert, goes one step on."""
    rule, found = kept.definition, {one.subject: one for one in seen}
    mine = [subject for name, subject in states if name == rule.name and subject not in found]
    new: dict[Key, State | None] = {}
    happened: list[Happened] = []
    for subject in (*found, *mine):
        one, key = found.get(subject), (rule.name, subject)
        if one is not None and _is_held(rule, one, down):
            continue
        new[key], changes = advance(rule, states.get(key), one, now)
        happened += [Happened(rule, kept.version, subject, change, one) for change in changes]
    return Outcome(new, happened)


def _is_held(rule: Rule, seen: Observation, down: frozenset[str]) -> bool:
    """Whether what a subject lacks is told by its source's own alert."""
    if not down:
        return False
    lacks = seen.value is None or (isinstance(rule.when, Silent) and rule.when.by != "source")
    sources = values_of(seen.labels, "source")
    return lacks and bool(sources) and down.issuperset(sources)


@dataclass
class Evaluator:
    """The rules of `book`, evaluated by the process that leads since `epoch`."""

    engine: AsyncEngine
    settings: Settings
    epoch: int | None
    book: Rulebook = field(default_factory=Rulebook)
    incidents: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """`incidents` is set when one changed, `told` by the evaluator when there is something to tell."""
    _states: dict[Key, State] = field(default_factory=dict)
    _due: dict[str, datetime] = field(default_factory=dict)
    _values_kept: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    async def run(self, stop: asyncio.Event) -> None:
        """Evaluate until `stop` is set. What the database raises is raised: who begins anew reads what was kept."""
        await self.load()
        while not stop.is_set():
            now = datetime.now(UTC)
            await self.round(now)
            await self._wait(stop, datetime.now(UTC))

    async def load(self) -> None:
        """Read what is open."""
        async with self.engine.connect() as connection:
            self._states = await open_states(connection)

    async def round(self, now: datetime) -> None:
        """Evaluate the rules that are due at `now`."""
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if await self.book.refresh(connection):
                await self._take_up(now)
            due = self._take_due(now)
            if not due:
                return
            context = Context.of(self.settings, now)
            down = frozenset(await sources_down(connection, context))
            for kept in due:
                await self._evaluate(connection, kept, context, down)

    def _take_due(self, now: datetime) -> list[Kept[Rule]]:
        changed = self.incidents.is_set()
        self.incidents.clear()
        due = []
        for name, kept in self.book.rules.items():
            if self._due[name] <= now or (changed and kept.definition.when.kind == "incident"):
                LATE.set(max(0.0, (now - self._due[name]).total_seconds()))
                self._due[name] = _next(kept.definition, now)
                due.append(kept)
        return due

    async def _take_up(self, now: datetime) -> None:
        """Rules that are new are due at once; alerts of those that are gone are over."""
        self._due = {name: self._due.get(name, now) for name in self.book.rules}
        RULES.set(len(self._due))
        gone = [key for key in self._states if key[0] not in self._due and key[0] != FAILING.name]
        gone += [key for key in self._states if key[0] == FAILING.name and key[1] not in self._due]
        over = [Happened(_nobodys(key[0]), 0, key[1], ended(self._states[key]), None) for key in gone]
        await self._keep(Outcome(dict.fromkeys(gone), over), now)

    async def _evaluate(
        self, connection: AsyncConnection, kept: Kept[Rule], context: Context, down: frozenset[str]
    ) -> None:
        began = time.perf_counter()
        try:
            seen = await observe(connection, kept.definition, context)
        except (UrbanclearError, DBAPIError) as error:
            if _is_away(error):
                raise
            await self._failed(kept, error, context.now)
            return
        await self.take(kept, seen, down, context.now)
        await self._keep(_failing(kept, self._states, None, context.now), context.now)
        SUBJECTS.labels(kept.name).set(len(seen))
        EVALUATION.labels(kept.name).observe(time.perf_counter() - began)

    async def take(self, kept: Kept[Rule], seen: Iterable[Observation], down: frozenset[str], now: datetime) -> None:
        """Take note of what a rule saw at `now`, while the sources `down` say nothing."""
        await self._keep(judge(kept, seen, self._states, down, now), now)

    async def _failed(self, kept: Kept[Rule], error: UrbanclearError | DBAPIError, now: datetime) -> None:
        """One alert for the rule, and what it knew stays as it is."""
        FAILURES.labels(kept.name).inc()
        problem = problem_of(error.orig) if isinstance(error, DBAPIError) else str(error)
        log.warning("alerting.rule_failed", rule=kept.name, error=problem)
        await self._keep(_failing(kept, self._states, problem, now), now)

    async def _keep(self, outcome: Outcome, now: datetime) -> None:
        """Write what happened, then remember it."""
        values = self._values(outcome, now)
        if outcome.happened or values:
            happened = [worded(one) for one in outcome.happened]
            async with leading(self.engine, self.epoch) as connection:
                await write_values(connection, values, now)
                await write_changes(connection, happened, now)
                firing = {
                    one.change.state.id: one.labels for one in happened if one.change.kind in ("firing", "raised")
                }
                await plan_firing(connection, self.book.policy, firing, now)
                over = [one.change.state.id for one in happened if one.change.kind == "resolved"]
                await plan_resolved(connection, self.book.policy, over, now)
            self.told.set()
        for key, state in outcome.states.items():
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state
        for one in outcome.happened:
            CHANGES.labels(one.change.kind).inc()

    def _values(self, outcome: Outcome, now: datetime) -> list[State]:
        """The states whose row has to follow: since when they are well at once, values now and then."""
        often = now - self._values_kept >= VALUES_KEPT_EACH
        known = [(state, self._states.get(key)) for key, state in outcome.states.items() if state is not None]
        values = [
            state
            for state, before in known
            if before is not None
            and before.id == state.id
            and (before.clear_since != state.clear_since or (often and before.value != state.value))
        ]
        self._values_kept = now if often else self._values_kept
        return values

    async def _wait(self, stop: asyncio.Event, now: datetime) -> None:
        """Until a rule is due, an incident changed, or it is time to look at the rules."""
        until = min([*self._due.values(), now + LONGEST_WAIT])
        waiting = [asyncio.create_task(event.wait()) for event in (stop, self.incidents)]
        await asyncio.wait(waiting, timeout=max(0.0, (until - now).total_seconds()), return_when="FIRST_COMPLETED")
        for task in waiting:
            task.cancel()


def _is_away(error: Exception) -> bool:
    """Whether the database is, rather than that the rule is wrong or takes too long."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return isinstance(cause, AWAY) and not isinstance(cause, QueryCanceled)


def _next(rule: Rule, now: datetime) -> datetime:
    """The next full multiple of `every`, so that rules of one pace share what they read."""
    every = rule.every.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // every + 1) * every, UTC)


def _failing(kept: Kept[Rule], states: Mapping[Key, State], problem: str | None, now: datetime) -> Outcome:
    """Whether a rule fails is a rule as well."""
    key = (FAILING.name, kept.name)
    seen = Observation(kept.name, kept.name, None, {"problem": problem}) if problem else None
    if seen is None and key not in states:
        return Outcome({}, ())
    state, changes = advance(FAILING, states.get(key), seen, now)
    return Outcome({key: state}, [Happened(FAILING, 0, kept.name, change, seen) for change in changes])


def _nobodys(name: str) -> Rule:
    """In the place of a rule that is no more."""
    return FAILING.model_copy(update={"name": name})


def worded(happened: Happened) -> Happened:
    """With the rule's title and description filled in; the end of an alert keeps its own."""
    if happened.seen is None:
        return happened
    context: About = {
        "name": happened.seen.name,
        "subject": happened.subject,
        "value": happened.seen.value,
        "labels": happened.labels,
        "priority": happened.priority.value,
        "reason": happened.change.state.reason,
        "started_at": happened.change.state.started_at,
    }
    rule = happened.rule
    return replace(happened, summary=fill(rule.title, context), description=fill(rule.description, context))
