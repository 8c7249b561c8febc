"""A stack of its own for a benchmark: the same command that a user runs, in a folder that goes away."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from urbanclear.embedded.ports import choose
from urbanclear.errors import StartError
from urbanclear.settings import LOOPBACK, Settings

START_SECONDS = 300.0
PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class RunningStack:
    """An `urbanclear up` that answers; `started_at` is when it was called, on the monotonic clock."""

    settings: Settings
    url: str
    started_at: float

    async def has_readings(self) -> None:
        """Wait until the API serves the first reading."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while not (await client.get(f"{self.url}/api/v1/traffic/current")).json()["items"]:
                await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def running_stack(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[RunningStack]:
    """Start a stack with its state in `folder` and `environment` on top of ours, and stop it on leaving."""
    [port] = choose(1, [])
    url = f"http://{LOOPBACK}:{port}"
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "up", "--data-dir", str(folder), "--port", str(port), *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "URBANCLEAR_NIGHTLY_AT": "off", **(environment or {})},  # nothing else is to be measured
    )
    try:
        await _answers(url, process)
        yield RunningStack(Settings(data_dir=folder), url, began)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def empty_folder() -> AsyncIterator[Path]:
    """A folder that other users may enter, as the database's may have to."""
    with tempfile.TemporaryDirectory(prefix="urbanclear-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o755)
        yield folder


async def _answers(url: str, process: asyncio.subprocess.Process) -> None:
    end = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient(trust_env=False) as client:
        while process.returncode is None and time.monotonic() < end:
            try:
                if (await client.get(f"{url}/health/ready")).status_code == httpx.codes.OK:
                    return
            except (httpx.TransportError, json.JSONDecodeError):
                await asyncio.sleep(PAUSE_SECONDS)
    raise StartError("The stack to be measured did not start: see what it said above.")
