"""Which of Apprise's services may be used, and what an address of theirs may ask for.

Apprise knows services that run commands or write files as well; only these are let through.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from schema.alerting.routing import Channel
from urbanclear.errors import Refused

SMS: Final = frozenset({
    "46elks", "bulksms", "burstsms", "clickatell", "clicksend", "d7sms", "elks", "httpsms", "kavenegar", "msg91",
    "nexmo", "plivo", "seven", "sinch", "smseagle", "smseagles", "smsmanager", "smsmgr", "sns", "twilio", "vonage",
})  # fmt: skip
PUSH: Final = frozenset({
    "bark", "barks", "fcm", "gotify", "gotifys", "join", "ntfy", "ntfys", "onesignal", "pbul", "pover", "prowl",
    "psafer", "psafers", "pushy", "simplepush", "spush",
})  # fmt: skip
SCHEMES: Final[Mapping[str, frozenset[str]]] = {"sms": SMS, "push": PUSH}
#: Spoken to without TLS, on a host of one's own; `ntfy` only where it names a host.
PLAIN: Final = frozenset({"bark", "gotify", "smseagle", "ntfy"})
#: They read files or take away checks: only from the environment, which is the operator's.
_TRUSTED_ONLY: Final = frozenset({"attach", "keyfile", "redirect", "verify"})
_SCHEME: Final = re.compile(r"([a-z0-9]{2,20})://")


def scheme_of(channel: Channel, url: str) -> str:
    """The scheme of `url`; raises `Refused` where it, or what it asks for, is not allowed."""
    found = _SCHEME.match(url.lower())
    known = SCHEMES[channel.kind]
    if found is None or found[1] not in known:
        raise Refused(f"no address of {channel.kind}: it begins with one of {', '.join(sorted(known))} and ://")
    asked = {name.lower().lstrip("+-:") for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    if channel.to_secret is None and asked & _TRUSTED_ONLY:
        words = ", ".join(sorted(asked & _TRUSTED_ONLY))
        raise Refused(f"{words}: only from an environment variable: name one as the channel's `to_secret`")
    return found[1]
