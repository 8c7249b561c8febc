"""Sends e-mails: text, HTML and picture are made once a notice, and handed over for each receiver."""

import asyncio
import base64
import hashlib
import html
import re
from typing import ClassVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.channels.contract import Outgoing, Preview, Sender
from alerting.channels.email.history import Histories
from alerting.channels.email.letter import PICTURE, Letter, Words, letter
from alerting.channels.email.mail_server import MailServer
from alerting.channels.once import Once
from alerting.channels.targets import target_of
from alerting.message import Message
from alerting.templates.pages import Pages
from alerting.templates.view import line
from schema.alerting.addresses import email_address
from schema.alerting.words import Priority
from urbanclear.errors import ConfigurationError, Refused
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("alerting")


class Email(Sender):
    """The channel `email`."""

    shared: ClassVar[bool] = True
    width: ClassVar[int] = 12

    def __init__(self, settings: Settings, pages: Pages, engine: AsyncEngine) -> None:
        try:
            self._from = email_address(settings.smtp_from)
        except Refused as error:
            raise ConfigurationError(f"URBANCLEAR_SMTP_FROM: {error}.") from None
        self._server = MailServer(settings)
        self._pages = pages
        self._histories = Histories(engine, settings.time_zone, settings.holidays)
        self._time_zone = settings.time_zone
        self._letters: Once[Letter] = Once()
        self._drawing = asyncio.Lock()  # matplotlib is not for several threads

    async def send(self, outgoing: Outgoing) -> None:
        receiver = email_address(target_of(outgoing.channel))
        message = outgoing.message
        written = await self._letters.get((message.id, message.made_at), self._letter(message))
        content = written.to(receiver, outgoing.key)
        await self._server.hand_over(self._from.addr_spec, receiver.addr_spec, content)

    async def preview(self, outgoing: Outgoing) -> Preview:
        """The HTML, with the picture in it."""
        words = await self._words(outgoing.message)
        page = words.html
        if words.picture is not None:
            page = page.replace(f"cid:{PICTURE}", f"data:image/png;base64,{base64.b64encode(words.picture).decode()}")
        subject = f"<p>Subject: {html.escape(words.subject)}</p>"
        return Preview(re.sub(r"(<body[^>]*>)", lambda found: found[1] + subject, page, count=1).encode(), ".html")

    async def close(self) -> None:
        await self._letters.close()
        await self._server.close()

    async def _letter(self, message: Message) -> Letter:
        return letter(await self._words(message), self._from, message.made_at, _thread(message))

    async def _words(self, message: Message) -> Words:
        context = self._pages.view(message)
        picture = await self._picture(message, context["colour"])
        context["chart"] = PICTURE if picture is not None else None
        return Words(
            subject=line(await self._pages.render("email.subject", context)) or message.id,
            text=await self._pages.render("email.txt", context),
            html=await self._pages.render("email.html", context),
            picture=picture,
            urgent=message.status == "firing" and message.priority.rank >= Priority.HIGH.rank,
        )

    async def _picture(self, message: Message, colour: str) -> bytes | None:
        """A picture of the most urgent alert that has a sensor; none where there is nothing to see or to ask."""
        shown = next((alert for alert in message.alerts if alert.sensor), None)
        if shown is None or shown.sensor is None:
            return None
        try:
            history = await self._histories.of(shown.sensor, message.made_at, shown.rule)
        except (DBAPIError, NoConnection) as error:
            log.warning("alerting.no_chart", sensor=shown.sensor, problem=str(error)[:200])
            return None
        if history is None:
            return None
        from alerting.channels.email.chart import draw

        async with self._drawing:
            return await asyncio.to_thread(draw, history, self._time_zone, colour)


def _thread(message: Message) -> str:
    about = repr((message.route, sorted(message.group.items()), [alert.id for alert in message.alerts[:1]]))
    return hashlib.sha256(about.encode()).hexdigest()[:40]
