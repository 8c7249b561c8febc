"""Who asks: by an API key, by a token of the identity provider, or by nothing where reads are open."""

from typing import Final

from api.access import metrics
from api.access.granted import ANYONE, Granted, Refused, unavailable, wrong
from api.access.keys import Keys
from api.access.limits import Limits, Policy
from api.access.store import AWAY, Store
from api.access.tokens import Tokens
from schema.keys import PREFIX
from urbanclear.settings import Settings

LONGEST: Final = 8_192  # characters; tokens with many claims have some thousand


class Authentication:
    """Answers what a credential grants."""

    def __init__(self, settings: Settings, store: Store, limits: Limits) -> None:
        self.keys = Keys(store, settings.keys_refresh.total_seconds())
        self._tokens = Tokens(settings) if settings.oidc_issuer is not None else None
        self._limits = limits
        self._anyone = ANYONE if settings.open_reads else None

    async def of_header(self, header: str | None, address: str) -> Granted | None:
        """What the `Authorization` header grants; None without one where reads are not open.

        Raises `Refused` for one that is wrong, even where nothing is needed.
        """
        if header is None:
            metrics.AUTHENTICATIONS.labels("open" if self._anyone else "missing").inc()
            return self._anyone
        scheme, _, credential = header.partition(" ")
        return await self.of_credential(credential.strip() if scheme.lower() == "bearer" else "", address)

    async def of_credential(self, credential: str, address: str) -> Granted:
        """What a key or a token grants; raises `Refused`.

        Wrong ones are counted by address. Once there are too many, what has to be looked up is refused unseen.
        """
        try:
            granted = await self._granted(credential, address)
        except Refused as refused:
            metrics.AUTHENTICATIONS.labels(refused.outcome).inc()
            if refused.status == 401:
                await self._limits.count(Policy.FAILURES, address)
            raise
        metrics.AUTHENTICATIONS.labels("accepted").inc()
        return granted

    async def _granted(self, credential: str, address: str) -> Granted:
        if credential.startswith(PREFIX) and (known := self.keys.known(credential)) is not None:
            return known
        if (refused := await self._limits.exceeded(Policy.FAILURES, address)) is not None:
            raise refused
        if not credential or len(credential) > LONGEST or not credential.isascii():
            raise wrong("malformed", "The header is not understood: send Authorization: Bearer uc_…")
        if not credential.startswith(PREFIX) and self._tokens is not None:
            return await self._tokens.find(credential)
        try:
            found = await self.keys.find(credential)
        except AWAY:
            raise unavailable("The database") from None
        if found is None:
            raise wrong("unknown", "The key is unknown, revoked or expired: ask for a new one.")
        return found
