"""What a key or a token lets do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What may be done; each implies those before it."""

    READ = "read"
    REPORT = "report"
    OPERATE = "operate"
    ADMIN = "admin"


_LADDER: Final = list(Scope)


def with_implied(scopes: Iterable[str]) -> frozenset[Scope]:
    """The scopes and all that they imply; words that are none are left out."""
    known = [_LADDER.index(Scope(word)) for word in scopes if word in _LADDER]
    return frozenset(_LADDER[: max(known, default=-1) + 1])
