"""Everything about access that an API holds while it runs: `app.state.access`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from api.access.audit import AuditLog
from api.access.authentication import Authentication
from api.access.limits import Limits
from api.access.store import AWAY, Store
from urbanclear.settings import Settings


class Access:
    """Opening it connects to nothing yet."""

    def __init__(self, database_url: str, settings: Settings) -> None:
        self.store = Store(database_url)
        self.limits = Limits(settings)
        self.authentication = Authentication(settings, self.store, self.limits)
        self.audit = AuditLog(self.store)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keys are kept fresh and rows of the audit log written; on leaving, what is left of both."""
        keys = self.authentication.keys
        tasks = [asyncio.create_task(keys.run()), asyncio.create_task(self.audit.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.audit.close()
            with suppress(*AWAY):
                await keys.note_use()
            await self.store.close()
