"""Ports on loopback: whether one is free, and a free one, the same as last time where possible."""

import socket

from urbanclear.errors import StartError
from urbanclear.settings import LOOPBACK


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could bind `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free(port: int, host: str, setting: str) -> None:
    """Raise `StartError` when `port` is taken; `setting` names what the user can change."""
    if not is_free(port, host):
        raise StartError(f"Port {port} on {host} is taken: stop what uses it, or choose another with {setting}.")


def choose(count: int, preferred: list[int]) -> list[int]:
    """`count` distinct free ports; those of `preferred` that are free come first."""
    kept = [port for port in preferred if is_free(port)][:count]
    probes = [socket.socket() for _ in range(count - len(kept))]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return kept + [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
