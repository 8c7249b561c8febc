"""What an engine promises: a chunk ready for any row, rollups that follow the readings, and a report of both."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from psycopg import AsyncConnection
from sqlalchemy import Connection

from schema.retention import Retention


@dataclass(frozen=True)
class SeriesStatus:
    """How a time series is stored; `bytes_before` is what its compressed chunks took as rows, None without any."""

    relation: str
    chunks: int
    compressed_chunks: int
    bytes: int
    bytes_before: int | None
    bytes_after: int | None


@dataclass(frozen=True)
class RollupStatus:
    """How far a rollup is computed ahead of time; what is newer is computed as it is asked for."""

    relation: str
    refreshed_to: datetime | None


@dataclass(frozen=True)
class JobStatus:
    """One recurring job; `error` is that of the last run, None when it succeeded."""

    name: str
    relation: str | None
    last_success: datetime | None
    runs: int
    failures: int
    error: str | None


class Engine(Protocol):
    """What is done after `schema.ddl` for one kind of server. Connections are in autocommit."""

    name: str

    def prepare(self, connection: Connection) -> None:
        """Make the database able to hold time series; called before the first migration."""

    def apply_policies(self, connection: Connection, retention: Retention) -> None:
        """Bring the server's own recurring jobs to what is wanted; those that fit already are left alone."""

    def drift(self, connection: Connection, retention: Retention) -> list[str]:
        """A line for each of the engine's own arrangements that is not as it should be."""

    def partitions(self, table: str, times: Iterable[datetime]) -> dict[str, str]:
        """Name and DDL of each partition that rows of `times` need and that the server does not make by itself."""

    async def refresh(self, connection: AsyncConnection, retention: Retention) -> int:
        """Bring the rollups up to what was written since the last call; returns how many buckets that touched."""

    async def catch_up(self, connection: AsyncConnection, retention: Retention) -> None:
        """Bring the rollups up to the newest whole bucket now, instead of when it is their turn."""

    async def compress(self, connection: AsyncConnection) -> None:
        """Compress now what is old enough."""

    async def pause_jobs(self, connection: AsyncConnection) -> None:
        """Let the server do nothing in this database by itself, so that what it does can be measured."""

    async def recompute(
        self, connection: AsyncConnection, start: datetime, end: datetime, retention: Retention
    ) -> None:
        """Compute the rollups of [start, end) anew, as far back as there are readings."""

    async def retire(self, connection: AsyncConnection, retention: Retention) -> list[str]:
        """Drop what is older than it is to be kept; returns the names of what was dropped."""

    async def series(self, connection: AsyncConnection) -> list[SeriesStatus]:
        """How each time series is stored."""

    async def rollups(self, connection: AsyncConnection) -> list[RollupStatus]:
        """How far each rollup is refreshed."""

    async def jobs(self, connection: AsyncConnection) -> list[JobStatus]:
        """The server's own jobs."""
