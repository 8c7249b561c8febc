"""A local server or part as a child process: its log, its user, its end.

A child is told by the kernel when its parent is gone, however that ended (`PR_SET_PDEATHSIG`, Linux), so that
nothing outlives the stack. Elsewhere the next start finds what was left through `leftovers.py`.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from urbanclear.errors import StartError

_PR_SET_PDEATHSIG = 1
LOG_LINES_SHOWN = 5


@dataclass(frozen=True)
class Identity:
    """The unprivileged user a child runs as when the parent is root."""

    uid: int
    gid: int


@dataclass
class Process:
    """One child, which works in `folder`. `start` may be called again once it has ended."""

    name: str
    command: Sequence[str | Path]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    identity: Identity | None = None
    folder: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the child in a session of its own; call from the main thread, whose end ends the child."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        user, group = (self.identity.uid, self.identity.gid) if self.identity else (None, None)
        with self.log.open("ab") as log:
            try:
                self._child = subprocess.Popen(
                    [str(word) for word in self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self.env},
                    cwd=self.folder,
                    start_new_session=True,
                    user=user,
                    group=group,
                    extra_groups=[] if self.identity else None,
                    preexec_fn=die_with_parent(self.stop_signal),
                )
            except OSError as error:
                raise StartError(f"{self.name} could not be started: {error}.") from error

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """Whether the child is alive; also takes note of its end."""
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the child ended; None while it runs."""
        return self._child.poll() if self._child else None

    def ask_to_stop(self) -> None:
        """Send the stop signal; returns at once."""
        if self._child is not None and self.running:
            self._child.send_signal(self.stop_signal)

    def wait(self, timeout: float) -> None:
        """Wait for the child's end, and kill it where that takes longer than `timeout` seconds."""
        if self._child is None:
            return
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def end(self) -> str:
        """How it ended: by which signal, or with which code and last words."""
        code = self.exit_code or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"code {code}: {self.last_words()}"

    def last_words(self, lines: int = 1) -> str:
        """The last lines of the child's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n  ".join(text.strip().splitlines()[-lines:])

    def failure(self) -> StartError:
        """Why the child is not there, with the last lines of its log."""
        tail = self.last_words(LOG_LINES_SHOWN)
        ended = "did not become ready" if self.running else f"ended with code {self.exit_code}"
        return StartError(f"{self.name} {ended}; its log {self.log} closes with:\n  {tail}")


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec, after it has changed its user (which would undo it)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return arm
