"""The database for commands of a person: what goes wrong with it is said in a sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from schema.database import APPLICATION, database_url, problem_of, sqlalchemy_url
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

T = TypeVar("T")

STATEMENT_TIMEOUT_S: Final = 60
"""Of a single query of a back-test, which reads a day."""


def patient_engine(url: str) -> AsyncEngine:
    """For questions about the past: their queries may take longer than an evaluation's."""
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=2,
        connect_args={
            "application_name": f"{APPLICATION}-alerting",
            "connect_timeout": 5,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000} -c timezone=UTC",
        },
    )


def with_database(settings: Settings, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Do `work`; raises `ConfigurationError` where the database refuses or is away."""

    async def done() -> T:
        engine = patient_engine(database_url(settings))
        try:
            return await work(engine)
        except DBAPIError as error:
            raise ConfigurationError(f"{problem_of(error.orig)}.") from error
        finally:
            await engine.dispose()

    return asyncio.run(done())
