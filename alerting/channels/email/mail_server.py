"""The mail server of the settings, and connections to it, which stay open while there is something to send."""

import time
from typing import Final

import httpx
from aiosmtplib import SMTP, SMTPException
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from urbanclear.errors import Refused, TryLater
from urbanclear.settings import Settings

PATIENCE_SECONDS: Final = 15.0  # for one answer
IDLE_SECONDS: Final = 20.0  # servers close what is idle for longer
_GOING_AWAY: Final = 421


class MailServer:
    """Hands e-mails over, several at once. To be closed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[tuple[float, SMTP]] = []
        self._tls = httpx.create_ssl_context()

    async def hand_over(self, sender: str, receiver: str, content: bytes) -> None:
        """Returns once the server has taken it. Raises `TryLater`, and `Refused` where it said no to this one."""
        try:
            client = self._open_one()
            if client is None or not await self._taken(client, sender, receiver, content):
                await self._send(await self._connected(), sender, receiver, content)
        except (SMTPException, OSError) as error:
            raise _meaning(_first(error)) from None

    async def close(self) -> None:
        """Take leave of the server."""
        for _, client in self._idle:
            client.close()
        self._idle.clear()

    def _open_one(self) -> SMTP | None:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < IDLE_SECONDS:
                return client
            client.close()
        return None

    async def _connected(self) -> SMTP:
        settings = self._settings
        if settings.smtp_host is None:
            raise TryLater("no mail server is known: set URBANCLEAR_SMTP_HOST")
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
        client = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            username=settings.smtp_user,
            password=password if settings.smtp_user else None,
            tls_context=self._tls if settings.smtp_tls != "none" else None,
            timeout=PATIENCE_SECONDS,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    async def _taken(self, client: SMTP, sender: str, receiver: str, content: bytes) -> bool:
        """Send over a connection that was open before; False where the server had enough of that."""
        try:
            await self._send(client, sender, receiver, content)
        except SMTPServerDisconnected:
            return False
        except SMTPException as error:
            if _code(error) == _GOING_AWAY:
                return False
            raise
        return True

    async def _send(self, client: SMTP, sender: str, receiver: str, content: bytes) -> None:
        try:
            await client.sendmail(sender, [receiver], content)
        except BaseException as error:
            if _code(error) in (None, _GOING_AWAY):  # also when broken off: what state it is in is not known
                client.close()
            else:
                self._idle.append((time.monotonic(), client))
            raise
        self._idle.append((time.monotonic(), client))


def _first(error: BaseException) -> BaseException:
    """What was said of the one receiver."""
    return error.recipients[0] if isinstance(error, SMTPRecipientsRefused) and error.recipients else error


def _code(error: BaseException) -> int | None:
    """What the server said; None where it said nothing."""
    first = _first(error)
    return first.code if isinstance(first, SMTPResponseException) else None


def _meaning(error: BaseException) -> TryLater | Refused:
    """A no to this e-mail or its receiver is for good if it begins with 5. All else, also a refused login or sender,
    is the server's trouble with us."""
    if isinstance(error, (SMTPRecipientRefused, SMTPDataError)):
        said = f"{error.code} {_plain(error.message)}"
        if error.code >= 500:
            return Refused(said)
        return TryLater(said, whole=error.code == _GOING_AWAY)
    if isinstance(error, SMTPResponseException):
        return TryLater(f"{error.code} {_plain(error.message)}")
    return TryLater(f"the mail server: {_plain(str(error)) or type(error).__name__}")


def _plain(text: str) -> str:
    return " ".join(text.split())[:200]
