"""Connections that stay open, and what each was let in by: once that lapses, they end."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from api.access.granted import Granted


class Standing:
    """What is kept here is forgotten with the connection itself."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Any, tuple[Granted, Callable[[Any], None]]] = WeakKeyDictionary()

    def keep(self, connection: Any, granted: Granted, end: Callable[[Any], None]) -> None:
        """Call `end` with the connection when `granted` lapses; nobody's never does.

        `end` must not hold the connection itself, or it is never forgotten.
        """
        if granted.name is not None:
            self._kept[connection] = (granted, end)

    def end_lapsed(self, holds: Callable[[Granted], bool]) -> None:
        """End those whose grant does not hold any more."""
        for connection, (granted, end) in list(self._kept.items()):
            if not holds(granted):
                del self._kept[connection]
                end(connection)
