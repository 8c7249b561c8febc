"""How a receiver knows that a call is ours and new: HMAC-SHA256 of the time and the body, with a secret both have.

The header is `X-Urbanclear-Signature: t=<seconds since 1970>,v1=<hexadecimal>`; what is signed is the seconds, a dot
and the body as it came.
"""

import hashlib
import hmac
from typing import Final

HEADER: Final = "X-Urbanclear-Signature"


def sign(secret: str, body: bytes, seconds: int) -> str:
    """What the header says of `body` when it is sent at `seconds`."""
    code = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={code.hexdigest()}"
