"""Who may push: whoever has the key that `URBANCLEAR_PUSH_KEY` holds. Reading needs none."""

import hmac
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps import SettingsDep

_bearer = HTTPBearer(auto_error=False, scheme_name="push key", description="the key in URBANCLEAR_PUSH_KEY")


def require_push_key(
    settings: SettingsDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Raises `HTTPException`: 403 where no key is set, 401 where another or none is given.

    Digests are compared, in a time that tells nothing of the key, its length included.
    """
    if settings.push_key is None:
        raise HTTPException(403, "Pushing is off: set URBANCLEAR_PUSH_KEY where the API runs to turn it on.")
    if given is None or not hmac.compare_digest(
        _digest(given.credentials), _digest(settings.push_key.get_secret_value())
    ):
        detail = "Send the push key: Authorization: Bearer <the value of URBANCLEAR_PUSH_KEY>."
        raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
