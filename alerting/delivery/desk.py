"""What an operator sees and does of the outbox: what waits or was given up, and have it tried again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, create_engine, func, select, update
from sqlalchemy.exc import DBAPIError

from schema.database import APPLICATION, PATIENCE, problem_of, sqlalchemy_url
from schema.tables import notifications
from urbanclear.errors import ConfigurationError, StartError

MOST: Final = 200
_SHOWN: Final = (
    notifications.c.id,
    notifications.c.state,
    notifications.c.kind,
    notifications.c.contact,
    notifications.c.destination,
    notifications.c.priority,
    notifications.c.attempts,
    notifications.c.created_at,
    notifications.c.next_at,
    notifications.c.finished_at,
    notifications.c.error,
)


class Desk:
    """Over the database at `database_url`. Raises `StartError` where it cannot be asked."""

    def __init__(self, database_url: str) -> None:
        self._engine = create_engine(
            sqlalchemy_url(database_url), connect_args={"application_name": APPLICATION, **PATIENCE}
        )

    def close(self) -> None:
        self._engine.dispose()

    def list(self, state: str, most: int = MOST) -> list[dict[str, Any]]:
        """The newest that are `state`."""
        with self._asked() as connection:
            asked = select(*_SHOWN).where(notifications.c.state == state)
            newest = asked.order_by(notifications.c.created_at.desc(), notifications.c.id).limit(most)
            return [dict(row) for row in connection.execute(newest).mappings()]

    def retry(self, id_: str | None) -> int:
        """Have the one called `id_`, or whose id alone begins so, or all that were given up, tried anew; returns how
        many those are.

        Raises `ConfigurationError` where the one was not given up, or several begin so.
        """
        again = update(notifications).where(notifications.c.state == "given_up")
        values = {"state": "waiting", "attempts": 0, "next_at": func.now(), "finished_at": None}
        with self._asked() as connection:
            if id_ is not None:
                again = again.where(notifications.c.id == _given_up(connection, id_))
            return connection.execute(again.values(**values)).rowcount

    @contextmanager
    def _asked(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StartError(f"The outbox cannot be asked: {problem_of(error.orig)}.") from error


def _given_up(connection: Connection, beginning: str) -> str:
    """The id of the one that was given up and is called `beginning`, or alone begins so."""
    known = notifications.c.id
    asked = select(known).where(notifications.c.state == "given_up", known.startswith(beginning, autoescape=True))
    ids: list[str] = list(connection.execute(asked.order_by(func.length(known), known).limit(2)).scalars())
    if not ids:
        raise ConfigurationError(
            f"No notification called {beginning!r} was given up: `urbanclear alerting notifications list --given-up` "
            f"names those that were."
        )
    if len(ids) > 1 and ids[0] != beginning:
        raise ConfigurationError(f"Several ids begin with {beginning!r}, such as {' and '.join(ids)}: write more.")
    return ids[0]
