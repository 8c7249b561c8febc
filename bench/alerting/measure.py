"""What 10,000 pairs of a rule and a subject cost, how soon a reading and an incident are told, and 10,000 e-mails."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.alerting.receivers import Hook, Mailbox, receivers
from bench.figures import Figure, figure
from bench.processes import cpu_s, descendants
from bench.running_stack import empty_folder, running_stack
from schema.alerting.definitions import POLICY, current, write
from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Rule
from schema.database import database_url, kafka_bootstrap, sqlalchemy_url
from schema.events import Incident, Reading
from schema.publisher import Publisher, open_publisher
from schema.tables import alert_definitions

Say = Callable[[str], None]

_EVERY_S: Final = 15.0
_WITHIN_S: Final = 120.0
_FREE_KMH, _SLOW_KMH = 60.0, 5.0
_ALERTING: Final = ("urbanclear", "alerting")
_BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE application_name = 'urbanclear-alerting'"


@dataclass(frozen=True)
class Plan:
    """How much of each."""

    rules: int = 10
    sensors: int = 1_000
    watched_s: float = 120
    rounds: int = 3
    tries: int = 20
    emails: int = 10_000


FULL: Final = Plan()
QUICK: Final = Plan(rules=2, sensors=50, watched_s=16, rounds=1, tries=2, emails=100)


async def measure(plan: Plan, say: Say) -> list[Figure]:
    """On a stack of its own, with receivers in this process."""
    async with receivers() as (hook, mailbox), empty_folder() as folder:
        environment = {
            "URBANCLEAR_ALERT_PRIVATE_NETWORKS": "127.0.0.0/8",
            "URBANCLEAR_SMTP_HOST": "127.0.0.1",
            "URBANCLEAR_SMTP_PORT": str(mailbox.port),
            "URBANCLEAR_SMTP_TLS": "none",
        }
        async with (
            running_stack(folder, "--source", "none", environment=environment) as stack,
            open_publisher(kafka_bootstrap(stack.settings), linger_ms=0) as feed,
        ):
            bench = _Bench(plan, database_url(stack.settings), feed, hook, mailbox)
            await bench.define()
            return [
                figure("core_share_10k", "cores", [await bench.share(say) for _ in range(plan.rounds)]),
                _p95("reading_to_webhook_p95_s", [await bench.reading(say, n) for n in range(plan.tries)]),
                _p95("incident_to_webhook_p95_s", [await bench.incident(say, n) for n in range(plan.tries)]),
                figure("emails_10k_s", "s", [await bench.mail(say, n) for n in range(plan.rounds)]),
            ]


def _p95(name: str, values: Sequence[float]) -> Figure:
    ordered = sorted(values)
    worst = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return Figure(name, round(worst, 4), "s", None, None, len(values), round(ordered[0], 4), round(ordered[-1], 4))


@dataclass
class _Bench:
    plan: Plan
    url: str
    feed: Publisher
    hook: Hook
    mailbox: Mailbox

    async def define(self) -> None:
        """Rules of our own in the place of the defaults; routes to the receivers, without a wait."""
        engine = create_async_engine(sqlalchemy_url(self.url))
        at_once = {"group_by": ["subject"], "group_wait": "0s", "group_interval": "0s"}
        bulk = {**at_once, "name": "bulk", "match": ['kind="incident"', 'priority="low"']}
        bulk["contacts"] = [f"reader-{number}" for number in range(self.plan.emails)]
        policy = {"routes": [bulk, {**at_once, "name": "all", "contacts": ["hook"]}]}
        async with engine.begin() as connection:
            for kept in (await connection.execute(current("rule"))).all():
                await connection.execute(write("rule", kept.name, None, "api", "bench", kept.version))
            for rule in _rules(self.plan.rules):
                await connection.execute(write("rule", rule.name, rule, "api", "bench", 0))
            await _contacts(connection, self.hook.url, self.plan.emails)
            version = (await connection.execute(current("policy"))).one().version
            new = Policy.model_validate(policy)
            await connection.execute(write("policy", POLICY, new, "api", "bench", version))
        await engine.dispose()
        await self._all_report()

    async def share(self, say: Say) -> float:
        """Of one core, that the process and its backends take while all rules are evaluated."""
        say(f"{self.plan.rules * self.plan.sensors:,} pairs every {_EVERY_S:.0f} s")
        before, began = await self._cpu_s(), time.monotonic()
        while time.monotonic() - began < self.plan.watched_s:
            await self._all_report()
            await asyncio.sleep(_EVERY_S)
        after = await self._cpu_s()
        spent = sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())
        return spent / (time.monotonic() - began)

    async def reading(self, say: Say, number: int) -> float:
        """From a slow reading to the receiver, at any moment of the pause between evaluations."""
        say(f"reading {number + 1} of {self.plan.tries}")
        await asyncio.sleep(random.uniform(0, _EVERY_S))
        await self._all_report()
        sensor, began = f"bench:{number}", time.monotonic()
        await self._report([sensor], _SLOW_KMH)
        return await self.hook.told(sensor, _WITHIN_S) - began

    async def incident(self, say: Say, number: int) -> float:
        """From an incident that is published to the receiver."""
        say(f"incident {number + 1} of {self.plan.tries}")
        await asyncio.sleep(random.uniform(0.5, 1.5))
        began = time.monotonic()
        return await self.hook.told(await self._happen(f"bench:crash-{number}", "high"), _WITHIN_S) - began

    async def mail(self, say: Say, number: int) -> float:
        """From an incident that is published to the last of its e-mails."""
        say(f"{self.plan.emails:,} e-mails, round {number + 1}")
        self.mailbox.recipients.clear()
        began = time.monotonic()
        await self._happen(f"bench:news-{number}", "low")
        return await self.mailbox.holds(self.plan.emails, 10 * _WITHIN_S) - began

    async def _happen(self, name: str, severity: Any) -> str:
        now = datetime.now(UTC)
        event = Incident(id=name, time=now, status="reported", kind="collision", severity=severity, started_at=now)
        await self.feed.deliver([event], within_s=_WITHIN_S)
        return name

    async def _all_report(self) -> None:
        await self._report([f"bench:{number}" for number in range(self.plan.sensors)], _FREE_KMH)

    async def _report(self, sensors: Sequence[str], speed: float) -> None:
        now = datetime.now(UTC)
        readings = [Reading(sensor=sensor, time=now, speed_kmh=speed) for sensor in sensors]
        await self.feed.deliver(readings, within_s=_WITHIN_S)

    async def _cpu_s(self) -> dict[int, float]:
        """Seconds of CPU so far, by process."""
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            backends = [pid for (pid,) in await (await connection.execute(_BACKENDS)).fetchall()]
        spent = {pid: cpu_s(pid) for pid in (*(one.pid for one in descendants(_ALERTING)), *backends)}
        return {pid: seconds for pid, seconds in spent.items() if seconds is not None}


def _rules(count: int) -> list[Rule]:
    slow = {"kind": "threshold", "measure": "speed_kmh", "clear_above": 40}
    rules = [
        {"name": f"slow-{number}", "title": "{{ name }}: {{ value }}", "when": {**slow, "below": 10 + number}}
        for number in range(count)
    ]
    crash = {"name": "crash", "title": "{{ name }}", "when": {"kind": "incident"}, "priority": "by_severity"}
    return [Rule.model_validate(rule) for rule in (*rules, crash)]


async def _contacts(connection: AsyncConnection, hook: str, emails: int) -> None:
    contacts = [{"name": "hook", "channels": [{"kind": "webhook", "to": hook, "send_resolved": False}]}]
    contacts += [
        {"name": f"reader-{number}", "channels": [{"kind": "email", "to": f"reader-{number}@city.example"}]}
        for number in range(emails)
    ]
    rows = [
        {
            "kind": "contact",
            "name": contact["name"],
            "version": 1,
            "definition": Contact.model_validate(contact).document(),
            "origin": "api",
            "changed_by": "bench",
        }
        for contact in contacts
    ]
    await connection.execute(insert(alert_definitions), rows)
