"""The worker that renders templates of the operator's own, as seen from the process that asks it: it has seconds for
each, and is ended and started anew where that is not enough."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from urbanclear.errors import UrbanclearError

SECONDS: Final = 3.0  # for one text
START_SECONDS: Final = 20.0  # for the first, with Python's start
_LONGEST_LINE: Final = 8 * 1024**2  # bytes of an answer


class NotRendered(UrbanclearError):
    """A template of the operator's own did not become a text."""


class Isolated:
    """One worker, started when it is first needed. To be closed."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def render(self, folder: Path, name: str, context: Mapping[str, object]) -> str:
        """The template `name` of `folder`, or of the built-in ones, over `context`. Raises `NotRendered`."""
        request = json.dumps({"folder": str(folder), "name": name, "context": context}).encode() + b"\n"
        async with self._lock:
            patience = SECONDS if self._process is not None else START_SECONDS
            try:
                async with asyncio.timeout(patience):
                    answer = json.loads(await self._asked(request))
            except TimeoutError:
                await self._end()
                raise NotRendered(f"it was not done within {patience:g} s") from None
            except (OSError, ValueError, asyncio.IncompleteReadError):
                await self._end()
                raise NotRendered("it needed too much time, memory or room") from None
            except BaseException:  # broken off: the answer to come is nobody's
                await self._end()
                raise
        if "text" not in answer:
            raise NotRendered(str(answer.get("problem")))
        return str(answer["text"])

    async def close(self) -> None:
        """End the worker."""
        async with self._lock:
            await self._end()

    async def _asked(self, request: bytes) -> bytes:
        process = self._process or await _started()
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise OSError("the worker has no pipes")
        process.stdin.write(request)
        await process.stdin.drain()
        return await process.stdout.readuntil(b"\n")

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


async def _started() -> asyncio.subprocess.Process:
    """Without this process's environment, in which there are secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alerting.templates.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=kept,
        limit=_LONGEST_LINE,
    )
