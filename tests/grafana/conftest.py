"""A city's real data in a database of each engine, once for all that is asked of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.upgrade import upgrade
from tests.conftest import OTHER_SERVER, new_database
from tests.grafana import real_city


@pytest.fixture(scope="session", params=["embedded", "timescaledb"])
def city_database(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "embedded":
        server: str = request.getfixturevalue("embedded_postgres")
    elif OTHER_SERVER in os.environ:
        server = os.environ[OTHER_SERVER]
    else:
        pytest.skip(f"no TimescaleDB: set {OTHER_SERVER} to a server that has it to run this on both engines")
    with new_database(server) as url:
        upgrade(url)
        yield url


@pytest.fixture(scope="session")
async def city(city_database: str, shared_data: Path) -> str:
    """Its URL."""
    await real_city.fill(city_database, shared_data)
    return city_database
