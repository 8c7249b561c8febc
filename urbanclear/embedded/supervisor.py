"""Keeps child processes alive: one that ends without having been asked to is started again, ever less eagerly."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from urbanclear.embedded.process import Process
from urbanclear.logs import get_logger

log = get_logger("stack")

FIRST_DELAY_SECONDS: Final = 0.2
LONGEST_DELAY_SECONDS: Final = 10.0
DONE: Final = "done"  # the state of a child that came to its proper end
CALM_SECONDS: Final = 60.0  # a child that ran this long starts again without delay


@dataclass
class _Watched:
    process: Process
    restart: bool
    started_at: float
    failures: int = 0
    due_at: float | None = None
    finished: bool = False


class Supervisor:
    """Watches children; `check` is to be called a few times a second, from the main thread."""

    def __init__(self, on_start: Callable[[Process], None]) -> None:
        self._watched: dict[str, _Watched] = {}
        self._on_start = on_start

    def start(self, process: Process, *, until_done: bool = False) -> None:
        """Start `process` and keep it running; `until_done`: an end with code 0 is its proper end."""
        self._watched[process.name] = _Watched(process, not until_done, time.monotonic())
        process.start()
        self._on_start(process)

    def check(self) -> None:
        """Start again what has ended and is due."""
        for watched in self._watched.values():
            self._check(watched)

    def stop(self, names: list[str], timeout: float) -> None:
        """Ask the named children to stop, all at once, and wait for them."""
        going = [self._watched.pop(name).process for name in names if name in self._watched]
        for process in going:
            process.ask_to_stop()
        end = time.monotonic() + timeout
        for process in going:
            process.wait(max(0.1, end - time.monotonic()))

    def state(self, name: str) -> str:
        """For the table: running, starting again, or done; empty for a child that is not ours."""
        watched = self._watched.get(name)
        if watched is None:
            return ""
        if watched.finished:
            return DONE
        return "running" if watched.process.running else "starting again"

    def _check(self, watched: _Watched) -> None:
        if watched.finished or watched.process.running:
            return
        code, now = watched.process.exit_code, time.monotonic()
        if code == 0 and not watched.restart:
            watched.finished = True
            said = watched.process.last_words()
            log.info("stack.part_done", name=watched.process.name, said=said, log=str(watched.process.log))
        elif watched.due_at is None:
            watched.failures = 0 if now - watched.started_at > CALM_SECONDS else watched.failures + 1
            delay = min(FIRST_DELAY_SECONDS * 2**watched.failures, LONGEST_DELAY_SECONDS)
            watched.due_at = now + delay
            log.warning("stack.part_ended", name=watched.process.name, how=watched.process.end(), again_in_s=delay)
        elif now >= watched.due_at:
            watched.due_at, watched.started_at = None, now
            watched.process.start()
            self._on_start(watched.process)
            log.info("stack.part_started_again", name=watched.process.name)
