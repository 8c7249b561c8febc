"""Channels' templates: those that come with Urbanclear, or files of the same names in the operator's own folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerting.message import Message
from alerting.templates.environment import BUILT_IN, ENDING, environment
from alerting.templates.isolated import Isolated, NotRendered
from alerting.templates.view import view
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("alerting")


class Pages:
    """Renders `email.html`, `sms` and so on. Ours run here; the operator's in a worker, and where one of theirs fails
    ours takes its place. To be closed."""

    def __init__(self, settings: Settings) -> None:
        self._own = settings.alert_templates.absolute() if settings.alert_templates else None
        self._time_zone = settings.time_zone
        self._public_url = settings.public_url.unicode_string() if settings.public_url else None
        self._built_in = environment([BUILT_IN])
        self._worker = Isolated()

    def view(self, message: Message) -> dict[str, Any]:
        """What templates see of `message`."""
        return view(message, self._time_zone, self._public_url)

    async def render(self, name: str, context: Mapping[str, Any]) -> str:
        """The template `name` over `context`, which is JSON."""
        file = name + ENDING
        if self._own is not None and (self._own / file).is_file():
            try:
                return await self._worker.render(self._own, file, context)
            except NotRendered as problem:
                log.warning(
                    "alerting.template_failed", template=str(Path(self._own, file)), problem=str(problem)[:300]
                )
        return self._built_in.get_template(file).render(context)

    async def close(self) -> None:
        await self._worker.close()
