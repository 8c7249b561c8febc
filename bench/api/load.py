"""Requests at a steady rate from a process of its own: `python -m bench.api.load URL RATE SECONDS PATH...`.

Each is sent when it is due, whether or not those before are answered, and counts from then on. The times are said as
JSON.
"""

import asyncio
import json
import sys
from typing import Final

import httpx
import uvloop

CONNECTIONS: Final = 100


async def run(url: str, rate: float, seconds: float, paths: list[str]) -> list[float]:
    """How long each request took, in ms; raises `HTTPStatusError` where one is not answered as it should be."""
    loop, took = asyncio.get_running_loop(), []
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, limits=limits) as client:

        async def ask(number: int, due: float) -> None:
            answer = await client.get(paths[number % len(paths)])
            answer.raise_for_status()
            took.append((loop.time() - due) * 1_000)

        asking, began = [], loop.time()
        for number in range(round(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            asking.append(asyncio.create_task(ask(number, due)))
        await asyncio.gather(*asking)
    return took


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))))
