"""The real servers that tests run against: PostgreSQL from the wheel, Kafka as a JVM; and real data."""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import NotLeaderForPartitionError
from aiokafka.structs import TopicPartition
from psycopg import sql

from schema import topics
from schema.admin import create_topics
from schema.analyst import grant_reading
from schema.dialect import connectable
from schema.upgrade import upgrade
from tests.waiting import until
from urbanclear.embedded.jars import resolve
from urbanclear.embedded.java import find_java
from urbanclear.embedded.kafka import Kafka
from urbanclear.embedded.ports import choose
from urbanclear.embedded.postgres import Postgres
from urbanclear.settings import FOREVER, RETENTIONS, Settings

OTHER_SERVER = "URBANCLEAR_TEST_DATABASE_URL"


@pytest.fixture(scope="session", autouse=True)
def plain_environment() -> Iterator[None]:
    """No test sees the user's own settings or a stack that happens to run in this folder; old readings are kept."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("URBANCLEAR_")]:
            if name not in (OTHER_SERVER, "URBANCLEAR_JARS", "URBANCLEAR_MAVEN_REPOSITORY"):
                patch.delenv(name)
        patch.setenv("URBANCLEAR_DATA_DIR", folder)
        for name in RETENTIONS:
            patch.setenv(f"URBANCLEAR_{name.upper()}", FOREVER)
        yield


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's unprivileged user can enter."""
    with tempfile.TemporaryDirectory(prefix="urbanclear-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def embedded_postgres(servers_folder: Path) -> Iterator[str]:
    server = Postgres(servers_folder / "postgres", choose(1, [])[0], servers_folder / "postgres.log")
    server.prepare()
    server.process.start()
    server.wait_ready()
    yield server.url
    server.process.ask_to_stop()
    server.process.wait(10)


ENGINES = ["embedded", "timescaledb"]


def server_of(request: pytest.FixtureRequest) -> str:
    """A server of the engine that a fixture with `params=ENGINES` is to have; the second only where one is given."""
    if request.param == "embedded":
        url: str = request.getfixturevalue("embedded_postgres")
        return url
    given = os.environ.get(OTHER_SERVER)
    if given is None:
        pytest.skip(f"no TimescaleDB: set {OTHER_SERVER} to a server that has it to run this on both engines")
    return given


@pytest.fixture(params=ENGINES)
def server_url(request: pytest.FixtureRequest) -> str:
    return server_of(request)


@contextmanager
def new_database(server_url: str, template: str = "template0") -> Iterator[str]:
    """The URL of a new one, which is there until the end of the `with`."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(create)
    yield server_url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database of this test's own, without a schema."""
    with new_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def upgraded_template(embedded_postgres: str) -> Iterator[str]:
    """The name of a database with the newest schema that is only copied: an upgrade takes ten times as long."""
    with new_database(embedded_postgres) as url:
        upgrade(url)
        yield url.rsplit("/", 1)[1]


@pytest.fixture
def database_url(server_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of this test's own with the newest schema."""
    if server_url == os.environ.get(OTHER_SERVER):  # its background workers hold a database that is to be copied
        with new_database(server_url) as url:
            upgrade(url)
            yield url
    else:
        with new_database(server_url, request.getfixturevalue("upgraded_template")) as url:
            with connectable(url).begin() as connection:
                grant_reading(connection, Settings())  # what holds for a role in one database is not copied
            yield url


@pytest.fixture(scope="session")
async def broker(servers_folder: Path) -> AsyncIterator[str]:
    port, controller = choose(2, [])
    jars = resolve("kafka", Settings())
    server = Kafka(servers_folder / "kafka", port, controller, servers_folder / "kafka.log", find_java(), jars)
    server.prepare()
    server.process.start()
    await server.wait_ready()
    await create_topics(server.bootstrap, Settings())
    yield server.bootstrap
    server.process.ask_to_stop()
    server.process.wait(20)


@pytest.fixture
async def kafka_bootstrap(broker: str) -> str:
    """A real broker with all topics, emptied for this test."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    described = await admin.describe_topics([topic.name for topic in topics.ALL])
    everything = {
        TopicPartition(topic["topic"], partition["partition"]): RecordsToDelete(before_offset=-1)
        for topic in described
        for partition in topic["partitions"]
    }

    async def emptied() -> bool:
        try:
            await admin.delete_records(everything)
        except NotLeaderForPartitionError:  # a topic made a moment ago
            return False
        return True

    await until(emptied)
    await admin.close()
    return broker


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there")
    return folder
