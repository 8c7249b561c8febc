"""Tokens of the city's own identity provider: JWTs (RFC 9068) signed with a key from its JWKS (RFC 7517)."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from jwt import PyJWKClient, PyJWTError
from jwt.exceptions import PyJWKClientConnectionError

from api.access.granted import Granted, unavailable, wrong
from schema.scopes import with_implied
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("api")

#: Asymmetric ones alone: with a symmetric one the public key itself could be used to sign.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    "EdDSA",
)
REQUIRED: Final = ("exp", "iss", "aud", "sub")
LEEWAY_SECONDS: Final = 30
LAST_SECOND: Final = 253_402_300_799  # of the year 9999
MOST_SUBJECT: Final = 255  # OpenID Connect Core 1.0, 2
FETCH_SECONDS: Final = 5
RETRY_SECONDS: Final = 5.0
AT_ONCE: Final = 4  # of the threads that all of the API shares


class Tokens:
    """Checks tokens of `settings.oidc_issuer`; fetches its keys when the first one comes."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._claim = settings.oidc_scopes_claim.split(".")
        self._keys = PyJWKClient(str(settings.oidc_jwks_url), timeout=FETCH_SECONDS)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._failed_at = -RETRY_SECONDS

    async def find(self, token: str) -> Granted:
        """What `token` grants; raises `Refused` where it is none, or where the provider's keys cannot be had."""
        try:
            if jwt.get_unverified_header(token).get("alg") not in ALGORITHMS:
                raise wrong("invalid_token", "The token's algorithm is not accepted: sign with RS256 or ES256.")
            async with self._room:
                claims = await asyncio.to_thread(self._claims, token)
        except PyJWKClientConnectionError as error:
            log.warning("access.jwks_away", error=str(error))
            raise unavailable("The identity provider") from None
        except PyJWTError as error:
            raise wrong("invalid_token", f"The token is not accepted ({error}): ask for a new one.") from None
        subject = str(claims["sub"])
        if not subject.isprintable() or len(subject) > MOST_SUBJECT:
            raise wrong("invalid_token", "The token's subject is no name of up to 255 characters.")
        until = datetime.fromtimestamp(min(int(claims["exp"]) + LEEWAY_SECONDS, LAST_SECOND), UTC)
        return Granted(with_implied(_words(claims, self._claim)), subject, until=until)

    def _claims(self, token: str) -> dict[str, Any]:
        """What it says, once all of it is checked; nothing is fetched right after that failed."""
        if time.monotonic() - self._failed_at < RETRY_SECONDS:
            raise PyJWKClientConnectionError("it did not answer a moment ago")
        try:
            key = self._keys.get_signing_key_from_jwt(token)
        except PyJWKClientConnectionError:
            self._failed_at = time.monotonic()
            raise
        return jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )


def _words(claims: Any, path: list[str]) -> Iterator[str]:
    """The scopes at `path`: a list, or words with spaces between (RFC 8693, 4.2)."""
    for name in path:
        claims = claims.get(name) if isinstance(claims, dict) else None
    if isinstance(claims, str):
        yield from claims.split()
    elif isinstance(claims, list):
        yield from (word for word in claims if isinstance(word, str))
