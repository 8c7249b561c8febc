"""Requests at a steady rate from a process of its own: `python -m bench.api.load URL RATE SECONDS PATH...`.

Each is due at its time, whether or not those before are answered, and counts from then on; the times are JSON. Each
asks about a sensor, an area or a corridor of its own.
"""

import asyncio
import json
import random
import sys
from typing import Final

import uvloop

from bench.api.client import connect
from bench.api.questions import somewhere

CONNECTIONS: Final = 64


async def run(url: str, rate: float, seconds: float, paths: list[str]) -> list[float]:
    """How long each request took, in ms."""
    loop = asyncio.get_running_loop()
    due: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    took: list[float] = []

    async def ask() -> None:
        connection = await connect(url)
        while (request := await due.get()) is not None:
            at, path = request
            await connection.get(path)
            took.append((loop.time() - at) * 1_000)
        connection.close()

    picked = random.Random(1)
    asking = [asyncio.create_task(ask()) for _ in range(CONNECTIONS)]
    began = loop.time()
    for number in range(round(rate * seconds)):
        at = began + number / rate
        await asyncio.sleep(max(0.0, at - loop.time()))
        due.put_nowait((at, somewhere(paths[number % len(paths)], picked)))
    for _ in asking:
        due.put_nowait(None)
    await asyncio.gather(*asking)
    return took


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))))
