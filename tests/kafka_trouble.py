"""A broker that does not do what it is asked to, for a while."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schema.topics import Topic


@contextmanager
def frozen(address: str) -> Iterator[None]:
    """Halt the child process that listens on the `host:port` of `address`; it goes on afterwards.

    Connections stay and nothing is answered, as when a machine hangs.
    """
    process = _listener(int(address.rsplit(":", 1)[1]))
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def refusing(bootstrap: str, topic: Topic, *, longer_than: int) -> AsyncIterator[None]:
    """The broker takes no batch of `topic` that is longer than so many bytes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()

    async def configure(**more: str) -> None:
        settings = {**topic.config, **more}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=settings)])

    try:
        await configure(**{"max.message.bytes": str(longer_than)})
        yield
    finally:
        await configure()
        await admin.close()


def _listener(port: int) -> psutil.Process:
    for process in psutil.Process().children(recursive=True):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return process
    raise AssertionError(f"no child listens on port {port}")
