"""A client of the live bridge that reconnects, and goes on where it left off."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from urbanclear.errors import ConfigurationError

FIRST_WAIT, LONGEST_WAIT, LONGEST_ASKED = 0.5, 30.0, 300.0
UNAUTHORISED: Final = (401, 403)


async def follow(
    url: str,
    topic: str,
    *,
    key: str | None = None,
    since: str | None = None,
    on_wait: Callable[[float], None] = lambda _: None,
    **wanted: Any,
) -> AsyncIterator[dict[str, Any]]:
    """Snapshots, updates and `lagged` messages of a topic, for ever; no change is told twice or left out.

    `on_wait` is told for how many seconds it waits before it tries again. `wanted` are the fields of a subscription:
    areas, sensors, bbox, interval, delta. Raises `ConfigurationError` where the API refuses what is asked,
    rather than the connection.
    """
    cursor, attempt = since, 0
    while True:
        wait = None
        try:
            async with connect(url, additional_headers=_headers(key), max_size=None) as socket:
                await socket.send(json.dumps(_subscription(topic, wanted, cursor)))
                async for text in socket:
                    message: dict[str, Any] = json.loads(text)
                    if message["type"] == "error":
                        raise ConfigurationError(f"The API does not take that: {message['message']}.")
                    attempt, cursor = 0, message.get("cursor", cursor)
                    yield message
        except ConnectionClosed as error:
            wait = retry_after(error)
        except InvalidStatus as error:
            if error.response.status_code in UNAUTHORISED:
                raise ConfigurationError("The API wants a key: set URBANCLEAR_API_KEY.") from None
            wait = _seconds(error.response.headers.get("Retry-After"))
        except (OSError, InvalidHandshake):
            pass
        attempt += 1
        wait = wait if wait is not None else _backed_off(attempt)
        on_wait(wait)
        await asyncio.sleep(wait)


def retry_after(error: ConnectionClosed) -> float | None:
    """How long the API asks to wait, in seconds, where it says so in the close frame."""
    try:
        said: dict[str, Any] = json.loads(error.rcvd.reason) if error.rcvd else {}
        return _seconds(said["retry_after"])
    except (ValueError, KeyError, TypeError):
        return None


def _seconds(said: object) -> float | None:
    """A length of time to wait; None for what is none."""
    try:
        seconds = float(said)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None
    return seconds if 0 <= seconds <= LONGEST_ASKED else None


def _subscription(topic: str, wanted: Mapping[str, Any], cursor: str | None) -> dict[str, Any]:
    said = {"type": "subscribe", "topic": topic, **wanted, "since": cursor}
    return {name: value for name, value in said.items() if value is not None}


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _backed_off(attempt: int) -> float:
    """Exponential, half of it random, so that many clients do not come at once."""
    longest: float = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt, 10))
    return longest * random.uniform(0.5, 1)  # noqa: S311
