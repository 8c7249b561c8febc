"""An e-mail as it is handed to the mail server: the same for all receivers of a notice but for two headers.

Headers are made by the standard library, which refuses line breaks in them. The two that differ are made here, of an
address and a key that have nothing in them but letters, digits and a few signs.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

PICTURE: Final = "chart@urbanclear"
"""By which HTML refers to the picture."""
_POLICY: Final = SMTP.clone(cte_type="7bit")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,120}")


@dataclass(frozen=True)
class Words:
    """What it says."""

    subject: str
    text: str
    html: str
    picture: bytes | None
    urgent: bool


@dataclass(frozen=True)
class Letter:
    """All but whom it is to and its id."""

    content: bytes
    domain: str

    def to(self, receiver: Address, key: str) -> bytes:
        """The whole e-mail; the same `key` gives the same Message-ID."""
        return (
            f"To: {receiver.addr_spec}\r\nMessage-ID: <{message_key(key)}@{self.domain}>\r\n".encode() + self.content
        )


def message_key(key: str) -> str:
    """`key` as a Message-ID may have it."""
    return key if _PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:40]


def letter(words: Words, sender: Address, made_at: datetime, thread: str) -> Letter:
    """`thread` keeps what is about the same together where people read it."""
    whole = EmailMessage(policy=_POLICY)
    whole["From"] = sender
    whole["Subject"] = words.subject
    whole["Date"] = made_at
    whole["References"] = f"<{thread}@{sender.domain}>"
    whole["Auto-Submitted"] = "auto-generated"
    whole["X-Auto-Response-Suppress"] = "All"
    if words.urgent:
        whole["Importance"] = "high"
    whole.set_content(words.text, cte="quoted-printable")
    whole.add_alternative(words.html, subtype="html", cte="quoted-printable")
    if words.picture is not None:
        *_, html = whole.iter_parts()
        html.add_related(
            words.picture, "image", "png", cid=f"<{PICTURE}>", filename="chart.png", disposition="inline"
        )
    return Letter(whole.as_bytes(), sender.domain)
