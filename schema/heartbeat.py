"""Heartbeats: how a running part says that it is well, and how long that is believed."""

import os
import socket
from typing import Final

HEARTBEAT_SECONDS: Final = 5.0
WELL_SECONDS: Final = 20.0  # three missed beats and a slow disk

BEAT: Final = """
    INSERT INTO heartbeats (part, instance, time) VALUES (%s, %s, now())
    ON CONFLICT (part, instance) DO UPDATE SET time = excluded.time
"""


def instance_name() -> str:
    """This process among all of its part."""
    return f"{socket.gethostname()}/{os.getpid()}"
