"""What the embedded stack remembers between runs, in its data folder: ports, versions, processes."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil

from urbanclear.errors import StartError
from urbanclear.settings import LOOPBACK, STACK_ENV

LAYOUT: Final = 1
TARGETS: Final = "prometheus.json"
LEAST_FREE_BYTES: Final = 1024**3
LEFTOVER_SECONDS: Final = 10.0


@dataclass
class State:
    """The content of `stack.json`."""

    layout: int = LAYOUT
    kafka: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, tuple[int, float]] = field(default_factory=dict)  # pid, time of its creation

    def save(self, folder: Path) -> None:
        """Replace the file in one step."""
        fresh = folder / "stack.json.new"
        fresh.write_text(json.dumps(asdict(self), indent=2))
        fresh.rename(folder / "stack.json")


def load(folder: Path) -> State:
    """What the last run left; raises `StartError` when that was another layout."""
    file = folder / "stack.json"
    if not file.exists():
        return State()
    try:
        state = State(**json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise StartError(f"{file} is not readable ({error}): move {folder} away to start afresh.") from error
    if state.layout != LAYOUT:
        raise StartError(
            f"{folder} was made by another version of Urbanclear (layout {state.layout}, this is {LAYOUT}): "
            f"move it away, or choose another folder with --data-dir."
        )
    return state


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder for one stack; raises `StartError` where another has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise StartError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"A stack is already running in {folder}: stop it, or choose another folder with --data-dir."
            ) from None
        yield


def require_space(folder: Path) -> None:
    """Raise `StartError` where the disk is nearly full."""
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise StartError(
            f"Only {free // 1024**2} MiB are free on the disk of {folder}; at least "
            f"{LEAST_FREE_BYTES // 1024**2} MiB are needed: make room, or choose another folder with --data-dir."
        )


def end_leftovers(state: State) -> None:
    """End processes of a run that was killed and that are still on their way out."""
    left = [process for pid, created in state.processes.values() if (process := _same_process(pid, created))]
    for process in left:
        process.terminate()
    _, stubborn = psutil.wait_procs(left, LEFTOVER_SECONDS)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, LEFTOVER_SECONDS)
    state.processes.clear()


def identity_of(pid: int) -> tuple[int, float]:
    """A process, told apart from a later one that is given the same number."""
    return pid, psutil.Process(pid).create_time()


def alive(pid: int, created: float) -> bool:
    """Whether that very process runs."""
    return _same_process(pid, created) is not None


def write_stack_env(folder: Path, values: dict[str, str]) -> None:
    """Leave the running stack's addresses, with their passwords, for this user's commands."""
    file = os.open(folder / STACK_ENV, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(file, "w") as env:
        env.writelines(f"{name}={value}\n" for name, value in values.items())


def secret(file: Path, new: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
    """The password or key in `file`, which is made with a new one where there is none."""
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as fresh:
            fresh.write(new())
    return file.read_text().strip()


def write_targets(folder: Path, ports: Mapping[str, int]) -> None:
    """Tell Prometheus at which port of this machine each part has its metrics, as its `file_sd_configs` read it."""
    targets = [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"job": f"urbanclear-{part}"}} for part, port in ports.items()
    ]
    fresh = folder / f"{TARGETS}.new"
    fresh.write_text(json.dumps(targets, indent=2))
    fresh.rename(folder / TARGETS)


def remove_addresses(folder: Path) -> None:
    """No stack runs in `folder` any more."""
    for name in (STACK_ENV, TARGETS):
        (folder / name).unlink(missing_ok=True)


def _same_process(pid: int, created: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None
