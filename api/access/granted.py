"""What somebody may do, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from schema.scopes import Scope


@dataclass(frozen=True)
class Granted:
    """Who asks, and what they may do, `until` when; `name` is the key's, or the token's subject, None for nobody."""

    scopes: frozenset[Scope]
    name: str | None = None
    key_id: int | None = None
    until: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has expired."""
        return self.until is not None and self.until <= datetime.now(UTC)


#: Whoever asks where reads are open.
ANYONE: Final = Granted(frozenset({Scope.READ}))


@dataclass
class Refused(Exception):
    """A request that goes no further; `detail` is a sentence that says what to do next."""

    outcome: str
    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


def missing() -> Refused:
    """No key where one is needed."""
    detail = "A key is needed: Authorization: Bearer uc_…; `urbanclear keys create` makes one."
    return Refused("missing", 401, detail, {"WWW-Authenticate": "Bearer"})


def wrong(outcome: str, why: str) -> Refused:
    """A key that is none, or none any more."""
    return Refused(outcome, 401, why, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def forbidden(scope: Scope) -> Refused:
    """A key that is good, and not for this."""
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    detail = f"The key does not have the scope {scope}: use one that has."
    return Refused("forbidden", 403, detail, {"WWW-Authenticate": challenge})


def unavailable(what: str) -> Refused:
    """Whether a key is good cannot be told now."""
    detail = f"{what} does not answer, without which the key cannot be checked: try again in a few seconds."
    return Refused("unavailable", 503, detail, {"Retry-After": "5"})
