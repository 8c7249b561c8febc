"""A city's real data in a database of each engine, once for all that is asked of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.upgrade import upgrade
from tests.conftest import ENGINES, new_database, server_of
from tests.grafana import given, real_city, stand_in
from tests.grafana.given import Given
from urbanclear.settings import get_settings


@pytest.fixture(autouse=True)
def settings_of_its_own() -> Iterator[None]:
    """No command has the settings of a test before."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture(scope="session", params=ENGINES)
def city_database(request: pytest.FixtureRequest) -> Iterator[str]:
    with new_database(server_of(request)) as url:
        upgrade(url)
        yield url


@pytest.fixture(scope="session")
async def city(city_database: str, shared_data: Path) -> str:
    """Its URL."""
    await real_city.fill(city_database, shared_data)
    return city_database


@pytest.fixture(params=["stand-in", "real"])
def grafana(request: pytest.FixtureRequest) -> Iterator[Given]:
    """A Grafana with nothing in it: one that stands in, and a real one where it is given."""
    if request.param == "real":
        yield request.getfixturevalue("real_grafana")
    else:
        with stand_in.running(stand_in.StandIn()) as url:
            yield Given(url, stand_in.PASSWORD, is_real=False)


@pytest.fixture
def real_grafana() -> Iterator[Given]:
    """Emptied before and after: it must be one that nobody uses."""
    if given.URL is None or given.PASSWORD is None:
        pytest.skip(f"no Grafana: set {given.URL_NAME} and {given.PASSWORD_NAME} to one that may be emptied")
    real = Given(given.URL.rstrip("/"), given.PASSWORD, is_real=True)
    real.empty()
    yield real
    real.empty()
