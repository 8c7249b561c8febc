"""Where a channel leads: its address, from the contact or from the environment variable that the contact names.

The environment is read here and nowhere else, for names that contacts may use (`URBANCLEAR_SECRET_…`) alone.
"""

import os
import re
from typing import Final

from schema.alerting.routing import SECRET_PREFIX, Channel
from urbanclear.errors import Refused, TryLater

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def secret(name: str) -> str:
    """The secret called `name`; raises `TryLater` where it is not set, since a restart may bring it."""
    value = os.environ.get(name) if name.startswith(SECRET_PREFIX) else None
    if not value:
        raise TryLater(f"{name} is not set: set it where alerting runs, and start that anew", whole=False)
    return value


def target_of(channel: Channel) -> str:
    """What `to` or `to_secret` says; raises `TryLater`, and `Refused` for what could begin a header."""
    target = secret(channel.to_secret) if channel.to_secret is not None else channel.to
    if not target:
        raise Refused("the contact does not say where to: give its channel `to` or `to_secret`")
    if _CONTROL.search(target):
        raise Refused(f"the address of {channel.destination!r} has a control character in it: correct the contact")
    return target
