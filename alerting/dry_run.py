"""A rule tried on what is known now: what it sees of each subject, and which alerts it would raise."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions import Context, observe
from alerting.evaluation import worded
from alerting.observation import Observation
from alerting.states import advance
from alerting.store import Happened
from alerting.templates.filling import problem_of
from schema.alerting.rules import Rule
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

MOST_SUBJECTS: Final = 1_000
"""So many are listed, those that would fire first; all are counted."""


async def dry_run(connection: AsyncConnection, rule: Rule, settings: Settings) -> dict[str, Any]:
    """`count`, `firing`, `without_data`, `subjects` and `problems`, which are sentences."""
    now = datetime.now(UTC)
    problems = [
        f"{name}: {problem}."
        for name, problem in (("title", problem_of(rule.title)), ("description", problem_of(rule.description)))
        if problem
    ]
    seen: list[Observation] = []
    try:
        seen = await observe(connection, rule, Context.of(settings, now))
    except ConfigurationError as error:
        problems.append(str(error))
    subjects = [_subject(rule, one, now) for one in seen]
    if not seen and not problems and rule.bounds is not None:
        problems.append("The rule is about no subject: nothing that there is fits it.")
    return {
        "at": now.isoformat(),
        "count": len(subjects),
        "firing": sum(one["would_fire"] for one in subjects),
        "without_data": sum(one["value"] is None for one in subjects) if rule.bounds is not None else 0,
        "subjects": sorted(subjects, key=lambda one: (not one["would_fire"], one["subject"]))[:MOST_SUBJECTS],
        "problems": problems,
    }


def _subject(rule: Rule, seen: Observation, now: datetime) -> dict[str, Any]:
    """`would_fire` once this had lasted as long as the rule wants."""
    at_once = rule.model_copy(update={"for_": timedelta(0)})
    _, changes = advance(at_once, None, seen, now)
    firing = next((change for change in changes if change.kind == "firing"), None)
    told = {"summary": worded(Happened(rule, 0, seen.subject, firing, seen)).summary} if firing is not None else {}
    return {
        "subject": seen.subject,
        "name": seen.name,
        "value": seen.value,
        "would_fire": firing is not None,
        "labels": dict(seen.labels),
        **told,
    }
