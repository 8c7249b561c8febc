"""A server or an ingest process to be killed, put to sleep and started again."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psutil

from urbanclear.embedded.process import Process

CHECK_SECONDS: Final = 0.05
REST_SECONDS: Final = 0.5  # between an end and the next start
UP_SECONDS: Final = 60.0


class Child:
    """`process`, kept running while it is wanted. Its own children, such as PostgreSQL's, share its fate."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.wanted = True
        self.ends: list[str] = []  # that nobody asked for
        self._due_at = 0.0
        self._expected = True

    @property
    def name(self) -> str:
        """What the process is called."""
        return self.process.name

    def check(self) -> None:
        """Start it when it is due; call from the main thread, a few times a second."""
        if not self.wanted or self.process.running:
            return
        now = time.monotonic()
        if self.process.exit_code is not None and not self._expected:
            self.ends.append(f"{self.name} ended with code {self.process.exit_code}: {self.process.last_words()}")
            self._expected, self._due_at = True, now + REST_SECONDS
        if now >= self._due_at:
            self._expected = False
            self.process.start()

    async def up(self) -> bool:
        """Wait until it runs; whether it does."""
        end = time.monotonic() + UP_SECONDS
        while not self.process.running:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(CHECK_SECONDS)
        return True

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Killed, with all its children; started again on leaving."""
        self.wanted, self._expected = False, True
        self.signal(signal.SIGKILL)
        self.process.wait(UP_SECONDS)
        try:
            yield
        finally:
            self.wanted = True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stopped in its tracks, with all its children; awake on leaving."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """As an operator does; it stays away."""
        self.wanted, self._expected = False, True
        self.process.ask_to_stop()

    def signal(self, number: signal.Signals) -> None:
        """Send it to the process first, so that it starts no further children, and then to those."""
        if self.process.pid is None or not self.process.running:
            return
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            children = parent.children(recursive=True)
            for one in (parent, *children):
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(number)


async def keep(children: list[Child]) -> None:
    """Keep them running until cancelled."""
    while True:
        for child in children:
            child.check()
        await asyncio.sleep(CHECK_SECONDS)
