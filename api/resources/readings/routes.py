"""`/api/v1/readings`: where apps and devices push what they measured."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from api import metrics
from api.access.audit import note
from api.deps import PushDep, SettingsDep
from api.http import problems
from api.http.body import read_body
from api.http.describing import Responses, problem
from api.resources.readings.models import Pushed, PushProblem, Rejection
from schema.events import Reading
from schema.submitted import Submitted, check_by_clock, items_of_json, items_of_lines, sort_out
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

router = APIRouter(prefix="/readings", tags=["readings"])

JSON, LINES = "application/json", "application/x-ndjson"
ITEMS_OF: Final[dict[str, Callable[[bytes], list[bytes]]]] = {JSON: items_of_json, LINES: items_of_lines}

EXAMPLE = {"sensor": "hall:a7", "time": "2026-03-02T12:00:00Z", "speed_kmh": 47.5, "volume_vph": 1260}
_READING = msgspec.json.schema_components([Reading])[1]["Reading"]
REQUEST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "As it is, or with `Content-Encoding: gzip`.",
        "content": {
            JSON: {
                "schema": {"oneOf": [_READING, {"type": "array", "items": _READING}]},
                "examples": {"one": {"value": EXAMPLE}, "several": {"value": [EXAMPLE]}},
            },
            LINES: {
                "schema": {"type": "string", "description": "a reading in JSON on each line"},
                "example": msgspec.json.encode(EXAMPLE).decode() + "\n",
            },
        },
    }
}
RESPONSES: Final[Responses] = {
    400: problem("No JSON, or not of its Content-Encoding, or broken off"),
    413: problem("Longer, or more items, than are taken at once"),
    415: problem("Another Content-Type or Content-Encoding than those above"),
    422: problem("No item is a reading that can be accepted", PushProblem),
    503: problem("Kafka does not answer: nothing is accepted, try again"),
}


@router.post("", status_code=202, response_model=Pushed, openapi_extra=REQUEST, responses=RESPONSES)
async def push_readings(request: Request, push: PushDep, settings: SettingsDep) -> Pushed | Response:
    """One reading or many. Answered once Kafka holds those that are accepted; the rest is told, item by item.

    A reading is stored once for each sensor and time, so that a push may be repeated.
    """
    items_of = _items_of(request.headers.get("content-type", ""))
    body = await read_body(request, settings.push_most_bytes)
    submitted = await asyncio.to_thread(_sort_out, body, items_of, settings)
    note(request, accepted=len(submitted.readings), rejected=len(submitted.rejected))
    await _deliver(submitted, push)
    rejected = [Rejection(index=part.index, reason=part.reason, detail=part.detail) for part in submitted.rejected]
    if rejected and not submitted.readings:
        detail = f"None of {len(rejected)} items is accepted; the first: {rejected[0].detail}."
        none = PushProblem(status=422, detail=detail, rejected=rejected)
        return problems.answer(none)
    return Pushed(accepted=len(submitted.readings), rejected=rejected)


def _items_of(content_type: str) -> Callable[[bytes], list[bytes]]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ITEMS_OF:
        detail = f"Content-Type {media_type or 'is missing and'} is not understood: send {' or '.join(ITEMS_OF)}."
        raise HTTPException(415, detail, {"Accept": ", ".join(ITEMS_OF)})
    return ITEMS_OF[media_type]


def _sort_out(body: bytes, items_of: Callable[[bytes], list[bytes]], settings: Settings) -> Submitted:
    try:
        items = items_of(body)
    except InvalidEvent as error:
        status = 413 if error.reason == "too_many" else 400
        raise HTTPException(status, f"The body cannot be taken: {error.detail}.") from None
    return sort_out(items, check_by_clock(settings))


async def _deliver(submitted: Submitted, push: PushDep) -> None:
    if submitted.readings:
        await push.deliver(submitted.readings)
        metrics.PUSHED.labels("accepted").inc(len(submitted.readings))
    for part in submitted.rejected:
        metrics.PUSHED.labels(part.reason).inc()
