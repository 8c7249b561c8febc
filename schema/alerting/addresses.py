"""What an address of each channel is: told to whoever writes a contact, and looked at anew when a message is sent.

Apprise knows services that run commands or write files as well; only those that are named here are let through.
"""

import re
from collections.abc import Mapping
from email.headerregistry import Address
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx

from urbanclear.errors import Refused

ChannelKind = Literal["email", "slack", "webhook", "sms", "push"]

_USER: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN: Final = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(
    rf"(?P<name>[^<>@,;:\"\\]*)<(?P<user>{_USER})@(?P<domain>{_DOMAIN})>|(?P<bare>{_USER})@(?P<at>{_DOMAIN})"
)
_LONGEST_URL: Final = 4_000

SMS: Final = frozenset({
    "46elks", "bulksms", "burstsms", "clickatell", "clicksend", "d7sms", "elks", "httpsms", "kavenegar", "msg91",
    "nexmo", "plivo", "seven", "sinch", "smseagle", "smseagles", "smsmanager", "smsmgr", "sns", "twilio", "vonage",
})  # fmt: skip
PUSH: Final = frozenset({
    "bark", "barks", "fcm", "gotify", "gotifys", "join", "ntfy", "ntfys", "onesignal", "pbul", "pover", "prowl",
    "psafer", "psafers", "pushy", "simplepush", "spush",
})  # fmt: skip
_SERVICES: Final[Mapping[str, frozenset[str]]] = {"sms": SMS, "push": PUSH}
#: They read files or take away checks: only from the environment, which is the operator's.
_TRUSTED_ONLY: Final = frozenset({"attach", "keyfile", "redirect", "verify"})
_SCHEME: Final = re.compile(r"([a-z0-9]{2,20})://")


def check_address(kind: ChannelKind, text: str) -> None:
    """Raises `Refused` where no channel of this kind could send to `text`."""
    if kind == "email":
        email_address(text)
    elif kind in _SERVICES:
        service_scheme(kind, text, is_trusted=False)
    else:
        web_address(text)


def email_address(text: str) -> Address:
    """The one address that `text` is, as `ops@city.example` or `Operators <ops@city.example>`; raises `Refused`."""
    found = _EMAIL.fullmatch(text.strip(" "))
    if found is None or not text.isprintable():
        raise Refused(f"{text[:100]!r} is no e-mail address of ASCII letters: correct the contact")
    return Address((found["name"] or "").strip(), found["user"] or found["bare"], found["domain"] or found["at"])


def web_address(url: str) -> httpx.URL:
    """The parts of `url`; raises `Refused` where nothing could be posted to it."""
    try:
        place = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(f"the URL cannot be used ({error}): correct the contact") from None
    if place.scheme not in ("http", "https") or not place.host or len(url) > _LONGEST_URL:
        raise Refused("the URL is none of https://host/…: correct the contact")
    if place.userinfo:
        raise Refused("the URL has a name or a password in it: use a signature or a secret path instead")
    return place


def service_scheme(kind: str, url: str, *, is_trusted: bool) -> str:
    """The scheme of an Apprise URL; raises `Refused` where it, or what it asks for, is not allowed."""
    found = _SCHEME.match(url.lower())
    known = _SERVICES[kind]
    if found is None or found[1] not in known:
        raise Refused(f"no address of {kind}: it begins with one of {', '.join(sorted(known))} and ://")
    asked = {name.lower().lstrip("+-:") for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    if not is_trusted and asked & _TRUSTED_ONLY:
        words = ", ".join(sorted(asked & _TRUSTED_ONLY))
        raise Refused(f"{words}: only from an environment variable: name one as the channel's `to_secret`")
    return found[1]
