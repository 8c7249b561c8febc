"""How the parts reach the database: one way to turn the setting's URL into what SQLAlchemy and psycopg take."""

from typing import Final

from psycopg.errors import (
    InsufficientPrivilege,
    InterfaceError,
    InvalidSchemaName,
    OperationalError,
    ReadOnlySqlTransaction,
    UndefinedColumn,
    UndefinedTable,
)
from sqlalchemy import URL, make_url

from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

APPLICATION = "urbanclear"

#: What it looks like when the database is away, slow, full or read-only: a matter of waiting. All else is a mistake.
AWAY: Final = (OperationalError, InterfaceError, ReadOnlySqlTransaction, TimeoutError)

#: libpq's options: a server that does not answer on the wire is given up after half a minute.
PATIENCE: Final = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
}


def database_url(settings: Settings) -> str:
    """The libpq URL from the settings; raises `ConfigurationError` where none is known."""
    if settings.database_url is None:
        raise ConfigurationError(
            "No database is known: start the embedded stack with `urbanclear up`, set URBANCLEAR_DATA_DIR to the "
            "folder of one that runs, or set URBANCLEAR_DATABASE_URL to postgresql://user:password@host:5432/name."
        )
    return settings.database_url.unicode_string()


def kafka_bootstrap(settings: Settings) -> str:
    """Kafka's bootstrap servers from the settings; raises `ConfigurationError` where none are known."""
    if settings.kafka_bootstrap is None:
        raise ConfigurationError(
            "No Kafka broker is known: start the embedded stack with `urbanclear up`, set URBANCLEAR_DATA_DIR to the "
            "folder of one that runs, or set URBANCLEAR_KAFKA_BOOTSTRAP to host:9092."
        )
    return settings.kafka_bootstrap


def sqlalchemy_url(url: str) -> URL:
    """`url` with the driver SQLAlchemy is to use, psycopg 3, named."""
    return make_url(url).set(drivername="postgresql+psycopg")


def problem_of(error: BaseException | None) -> str:
    """What the database said, in one line, with what to do about it where that is known."""
    message = " ".join(str(error).split())
    match error:
        case InsufficientPrivilege():
            return f"{error.diag.message_primary}; do it as the owner of the database, or ask them for rights"
        case UndefinedTable() | UndefinedColumn() | InvalidSchemaName():
            return f"{error.diag.message_primary}; run `urbanclear schema upgrade`"
        case OperationalError() if error.sqlstate is None:
            return f"{message} Check URBANCLEAR_DATABASE_URL"
        case _:
            return message
