"""A server that answers nothing for a while: connections stay, as they do when a machine hangs."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def frozen(address: str) -> Iterator[None]:
    """Halt the child process that listens on the `host:port` of `address`; it goes on afterwards."""
    process = _listener(int(address.rsplit(":", 1)[1]))
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def _listener(port: int) -> psutil.Process:
    for process in psutil.Process().children(recursive=True):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return process
    raise AssertionError(f"no child listens on port {port}")
