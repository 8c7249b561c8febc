"""A broker that does not do what it is asked to, for a while."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

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
    while not _is_halted(process.pid):  # a thread that runs at the moment may still answer
        pass
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def _is_halted(pid: int) -> bool:
    """Whether all its threads are, as `proc_pid_stat(5)` tells their states."""
    try:
        told = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    except FileNotFoundError:  # a thread that has just ended
        return False
    return all(one.rpartition(")")[2].split()[0] == "T" for one in told)


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
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return process
    raise AssertionError(f"no child listens on port {port}")
