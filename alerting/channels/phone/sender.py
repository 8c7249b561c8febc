"""Sends SMS and push messages, each try in a thread that is not waited for longer than it may take."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Final

from alerting.channels.contract import Outgoing, Preview, Sender
from alerting.channels.phone.attempt import Text, attempt
from alerting.channels.targets import target_of
from alerting.guard import Addresses
from alerting.message import Message
from alerting.templates.pages import Pages
from alerting.templates.view import line
from schema.alerting.addresses import service_scheme
from schema.alerting.words import Priority

THREADS: Final = 16
LONGEST_SMS: Final = 480  # characters: three parts
LONGEST_PUSH: Final = 2_000


class Phone(Sender):
    """The channels `sms` and `push`."""

    width: ClassVar[int] = 2

    def __init__(self, pages: Pages, addresses: Addresses) -> None:
        self._pages = pages
        self._addresses = addresses
        self._threads = ThreadPoolExecutor(THREADS, "apprise")

    async def send(self, outgoing: Outgoing) -> None:
        url = target_of(outgoing.channel)
        is_trusted = outgoing.channel.to_secret is not None
        scheme = service_scheme(outgoing.channel.kind, url, is_trusted=is_trusted)
        text = await self._text(outgoing)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, attempt, url, scheme, text, self._addresses)

    async def preview(self, outgoing: Outgoing) -> Preview:
        text = await self._text(outgoing)
        return Preview(f"{text.title}\n\n{text.body}\n".lstrip().encode(), ".txt")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _text(self, outgoing: Outgoing) -> Text:
        context = self._pages.view(outgoing.message)
        if outgoing.channel.kind == "sms":
            body = line(await self._pages.render("sms", context), LONGEST_SMS)
            return Text("", body, _urgent(outgoing.message))
        title = line(await self._pages.render("push.title", context))
        body = (await self._pages.render("push", context)).strip()[:LONGEST_PUSH]
        return Text(title, body, _urgent(outgoing.message))


def _urgent(message: Message) -> bool:
    return message.status == "firing" and message.priority.rank >= Priority.HIGH.rank
