"""The alerting process. It says that it is well; rules are not evaluated yet."""

import asyncio

from schema.database import database_url
from schema.heartbeat import beat
from urbanclear.settings import Settings


class Engine:
    """One alerting process: `run` until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._url = database_url(settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set."""
        await beat("alerting", self._url, stop)
