"""The keys in use, held in memory: read anew every few seconds, so that a request costs no query.

Wrong keys make the table be read again, five times a second at most however many there are, and leave nothing behind.
With the database away the keys that were read last go on to be accepted.
"""

import asyncio
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import RowMapping, bindparam, update

from api.access.granted import Granted
from api.access.standing import Standing
from api.access.store import AWAY, Store
from schema.keys import digest_of, usable
from schema.scopes import with_implied
from schema.tables import api_keys
from urbanclear.logs import get_logger

log = get_logger("api")

LEAST_AGE_SECONDS: Final = 0.2
USE_NOTED_SECONDS: Final = 60.0

_NOTE_USE: Final = update(api_keys).where(api_keys.c.id == bindparam("key")).values(last_used_at=bindparam("at"))


@dataclass(frozen=True)
class _Key:
    digest: bytes
    granted: Granted


class Keys:
    """The keys, and when each was used."""

    def __init__(self, store: Store, refresh_s: float) -> None:
        self._store = store
        self._refresh_s = refresh_s
        self._keys: dict[bytes, _Key] = {}
        self._numbers: set[int | None] = set()
        self.standing = Standing()
        self._read_at = -LEAST_AGE_SECONDS
        self._problem: Exception | None = None
        self._reading = asyncio.Lock()
        self._used: dict[int | None, datetime] = {}
        self._noted_at = time.monotonic()

    def known(self, key: str) -> Granted | None:
        """What `key` grants; None for one that is not among those read last, or that has expired."""
        digest = digest_of(key)
        found = self._keys.get(digest)
        # Nobody chooses the bytes of a digest, so that the time it takes to find one tells nothing.
        if found is None or not hmac.compare_digest(found.digest, digest):
            return None
        if found.granted.is_over:
            return None
        self._used[found.granted.key_id] = datetime.now(UTC)
        return found.granted

    def holds(self, granted: Granted) -> bool:
        """Whether what was granted before still is."""
        return not granted.is_over and (granted.key_id is None or granted.key_id in self._numbers)

    async def find(self, key: str) -> Granted | None:
        """As `known`, after the keys were read again.

        Raises one of `store.AWAY` where the database cannot be asked.
        """
        await self.refresh()
        return self.known(key)

    async def refresh(self) -> None:
        """Return once the keys are known as they are now, or a little later; raises one of `store.AWAY`.

        Those who come while the keys are read, or wait to be, share what comes of it.
        """
        asked_at = time.monotonic()
        async with self._reading:
            if self._read_at < asked_at:
                await asyncio.sleep(max(0.0, self._read_at + LEAST_AGE_SECONDS - time.monotonic()))
                await self._read()
            elif self._problem is not None:
                raise self._problem

    async def run(self) -> None:
        """Keep the keys fresh, and note their use, until cancelled."""
        while True:
            try:
                await self.refresh()
                if time.monotonic() - self._noted_at >= USE_NOTED_SECONDS:
                    await self.note_use()
            except AWAY as problem:
                log.warning("access.keys_not_read", error=str(problem).splitlines()[0])
                self.standing.end_lapsed(self.holds)
            await asyncio.sleep(self._refresh_s)

    async def note_use(self) -> None:
        """Write when each key was used last; raises one of `store.AWAY`."""
        used, self._used = self._used, {}
        self._noted_at = time.monotonic()
        if used:
            await self._store.write(_NOTE_USE, [{"key": number, "at": at} for number, at in used.items()])

    async def _read(self) -> None:
        self._read_at = time.monotonic()
        self._problem = None
        try:
            rows = await self._store.rows(usable())
        except AWAY as problem:
            self._problem = problem
            raise
        self._keys = {key.digest: key for key in map(_key, rows)}
        self._numbers = {key.granted.key_id for key in self._keys.values()}
        self.standing.end_lapsed(self.holds)


def _key(row: RowMapping) -> _Key:
    fields: dict[str, Any] = dict(row)
    granted = Granted(with_implied(fields["scopes"]), fields["name"], fields["id"], fields["expires_at"])
    return _Key(bytes(fields["digest"]), granted)
