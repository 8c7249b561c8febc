"""API keys as they are stored: of each its SHA-256 and what whoever has it may do, never the key itself.

A key is 256 random bits. Nobody can try that many, so that its digest needs neither salt nor a slow hash.
"""

import secrets
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from schema.scopes import Scope
from schema.tables import api_keys
from urbanclear.errors import ConfigurationError

PREFIX: Final = "uc_"
HINT_CHARACTERS: Final = len(PREFIX) + 4
MOST_NAME_CHARACTERS: Final = 100


IN_USE: Final = api_keys.c.revoked_at.is_(None)
#: What is told of a key.
TOLD: Final = tuple(column for column in api_keys.c if column.name != "digest")


def new_key() -> str:
    """A key that nobody has."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> bytes:
    """What is stored of `key`."""
    return sha256(key.encode()).digest()


def check_name(name: str) -> str:
    """`name`, where a key may be called so; raises `ConfigurationError`."""
    if not name.isprintable() or not 0 < len(name.strip()) <= MOST_NAME_CHARACTERS or name.isdecimal():
        raise ConfigurationError(
            f"{name[:MOST_NAME_CHARACTERS]!r} cannot name a key: take up to {MOST_NAME_CHARACTERS} characters that "
            "are not all digits."
        )
    return name


def creating(name: str, key: str, scopes: Collection[Scope], expires_at: datetime | None) -> ReturningInsert[Any]:
    """Store `key` and tell of it; no row where a key in use has that name."""
    values = {
        "name": name,
        "hint": key[:HINT_CHARACTERS],
        "digest": digest_of(key),
        "scopes": [scope for scope in Scope if scope in scopes],
        "expires_at": expires_at,
    }
    return (
        postgresql.insert(api_keys)
        .values(values)
        .on_conflict_do_nothing(index_elements=["name"], index_where=IN_USE)
        .returning(*TOLD)
    )


def revoking(which: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """Refuse those keys from now on, and tell of them; no row where none of them is in use."""
    return update(api_keys).where(and_(which, IN_USE)).values(revoked_at=func.now()).returning(*TOLD)


def called(word: str) -> ColumnElement[bool]:
    """The key whose name, or else whose number, is `word`."""
    if word.isdecimal() and word.isascii() and len(word) < 10:
        return api_keys.c.id == int(word)
    return api_keys.c.name == word


def usable() -> Select[Any]:
    """All keys that are neither revoked nor expired, with their digests."""
    fresh = api_keys.c.expires_at.is_(None) | (api_keys.c.expires_at > func.now())
    return select(*TOLD, api_keys.c.digest).where(IN_USE, fresh)


def ensure(connection: Connection, name: str, key: str) -> bool:
    """Let `key` do everything under `name`, instead of any other of that name; False where it was revoked before."""
    known = connection.execute(select(api_keys.c.revoked_at).where(api_keys.c.digest == digest_of(key))).one_or_none()
    if known is not None:
        return known.revoked_at is None
    connection.execute(revoking(api_keys.c.name == name))
    connection.execute(creating(name, key, [Scope.ADMIN], None))
    return True
