"""`/api/v1/status` and `/api/v1/dead-letters`: for those who run the stack."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from aiokafka.errors import KafkaError
from fastapi import APIRouter, HTTPException, Path, Query

from api.deps import SettingsDep
from api.http.describing import problem
from api.http.problems import bad_parameter
from api.http.times import parse_time
from api.resources.filters import NO_NUL
from api.resources.system.models import DeadLetter, DeadLetters, Status
from schema import topics
from schema.database import kafka_bootstrap
from schema.dead_letters import Letter, Wanted, fetch, newest, parse_id
from schema.topic_reader import open_reader
from urbanclear.errors import ConfigurationError, KafkaAway
from urbanclear.settings import Settings
from urbanclear.status import gather

router = APIRouter(tags=["system"])

DEFAULT_SINCE: Final = timedelta(days=7)
_reading = asyncio.Semaphore(2)  # each reads the topic from Kafka


@router.get("/status")
async def status(settings: SettingsDep) -> Status:
    """How the whole is doing: each part's health, Kafka's offsets and lag, the rows stored."""
    return Status.model_validate(await gather(settings))


@router.get("/dead-letters")
async def dead_letters(
    settings: SettingsDep,
    reason: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, examples=["invalid"])] = None,
    topic: Annotated[
        str | None,
        Query(max_length=100, pattern=NO_NUL, description="where it was rejected", examples=["traffic.readings"]),
    ] = None,
    since: Annotated[
        str | None, Query(alias="from", max_length=64, description="RFC 3339 or relative; `-7d` where not said")
    ] = None,
    closed: Annotated[bool, Query(description="those too that were sent again")] = False,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> DeadLetters:
    """What could not be accepted and is still open, newest first, and how many there are of each reason."""
    wanted = Wanted(reason, topic, _since(since))
    listing = await _asked(settings, lambda reader: newest(reader, wanted, limit, closed_too=closed))
    return DeadLetters(items=[_told(letter) for letter in listing.letters], reasons=dict(listing.reasons))


@router.get("/dead-letters/{id:path}", responses={404: problem("There is no such dead letter (any more)")})
async def dead_letter(
    settings: SettingsDep,
    id: Annotated[str, Path(max_length=40, description="partition/offset", examples=["0/17"])],  # noqa: A002
) -> DeadLetter:
    """One dead letter with all of its message."""
    try:
        wanted = parse_id(id)
        return _told(await _asked(settings, lambda reader: fetch(reader, wanted)))
    except ConfigurationError as error:
        raise HTTPException(404, str(error)) from None


async def _asked(settings: Settings, question: Any) -> Any:
    try:
        async with _reading, open_reader(kafka_bootstrap(settings), topics.DEAD_LETTERS.name) as reader:
            return await question(reader)
    except (KafkaError, OSError) as error:
        raise KafkaAway(f"Kafka does not answer ({error!r}): try again in a few seconds.") from error


def _since(text: str | None) -> datetime:
    now = datetime.now(UTC)
    if text is None:
        return now - DEFAULT_SINCE
    try:
        return parse_time(text, now=now)
    except (ValueError, OverflowError) as error:
        raise bad_parameter("from", str(error)) from None


def _told(letter: Letter) -> DeadLetter:
    return DeadLetter(
        id=str(letter.id),
        time=letter.time,
        reason=letter.reason,
        detail=letter.detail,
        origin=letter.origin,
        value=letter.value.decode(errors="replace"),
    )
