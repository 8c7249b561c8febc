"""A mail server that keeps what it is given, or says no, with TLS if wanted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """`answer` is what the server says to a receiver; it takes those to whom it says 250."""

    port: int = 0
    answer: Callable[[str], str] = lambda receiver: "250 OK"
    end: Callable[[], str] = lambda: "250 OK"
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 – aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answer(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.end()
        if answer.startswith("250"):
            self.envelopes.append(envelope)
            self.sessions.add(id(session))
        return answer

    @property
    def mails(self) -> list[EmailMessage]:
        return [_parsed(envelope) for envelope in self.envelopes]

    @property
    def receivers(self) -> list[str]:
        return [receiver for envelope in self.envelopes for receiver in envelope.rcpt_tos]


def _parsed(envelope: Envelope) -> EmailMessage:
    content = envelope.original_content
    assert content is not None
    return message_from_bytes(content, policy=policy.default)


@asynccontextmanager
async def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> AsyncIterator[Mailbox]:
    """A server on loopback."""
    mailbox, loop = Mailbox(), asyncio.get_running_loop()
    make = partial(
        SMTP,
        mailbox,
        hostname="localhost",
        loop=loop,
        tls_context=starttls,
        require_starttls=starttls is not None,
        auth_required=login is not None,
        auth_callback=_checks(login) if login is not None else None,
    )
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=tls)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()


def _checks(login: tuple[str, str]) -> Callable[[str, bytes, bytes], bool]:
    return lambda mechanism, user, password: (user.decode(), password.decode()) == login
