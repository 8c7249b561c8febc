"""What applying would do to one thing in Grafana, and does."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from grafana_foundation_sdk.cog.encoder import JSONEncoder

Document = dict[str, Any]
Write = Callable[[], object]


class What(StrEnum):
    """What happens to it."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REMOVED = "removed"
    LEFT = "left"  # not ours to change
    OBSOLETE = "obsolete"  # to be removed, but not by this run


@dataclass(frozen=True)
class Change:
    """`kind` and `name` say what it is, `before` how it is, `after` how it is meant, `why` what keeps us from it."""

    what: What
    kind: str
    name: str
    before: Document | None = None
    after: Document | None = None
    write: Write | None = None
    why: str | None = None

    @classmethod
    def between(cls, kind: str, name: str, found: Document | None, meant: Document, write: Write) -> Self:
        """`found` is None where there is none; what it has beyond `meant` is Grafana's own and does not count."""
        if found is None:
            return cls(What.NEW, kind, name, None, meant, write)
        before = restricted(found, meant)
        if before == meant:
            return cls(What.SAME, kind, name)
        return cls(What.CHANGED, kind, name, before, meant, write)

    @classmethod
    def left(cls, kind: str, name: str, why: str) -> Self:
        """It stays as it is."""
        return cls(What.LEFT, kind, name, why=why)

    @classmethod
    def removed(cls, kind: str, name: str, write: Write) -> Self:
        """It is ours, and no longer meant."""
        return cls(What.REMOVED, kind, name, write=write)

    def put_off(self) -> Self:
        """The same, without removing anything."""
        if self.what is not What.REMOVED:
            return self
        return replace(self, what=What.OBSOLETE, write=None, why="no longer meant, --prune would remove it")


def restricted(found: Any, meant: Any) -> Any:
    """`found`, with only those keys of its objects that `meant` has at the same place."""
    if isinstance(found, dict) and isinstance(meant, dict):
        return {key: restricted(found[key], value) for key, value in meant.items() if key in found}
    if isinstance(found, list) and isinstance(meant, list) and len(found) == len(meant):
        return [restricted(one, other) for one, other in zip(found, meant, strict=True)]
    return found


def plain(built: object) -> Document:
    """What a builder of the SDK built, as JSON has it."""
    document: Document = json.loads(json.dumps(built, cls=JSONEncoder))
    return document
