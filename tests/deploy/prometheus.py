"""A real Prometheus, with the rules and the scrape configuration that are delivered, aimed at processes of a test."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.asked import FOLDER, RULE_FILES
from tests.waiting import until
from urbanclear.embedded.ports import choose
from urbanclear.embedded.process import Process
from urbanclear.settings import LOOPBACK


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    client: httpx.AsyncClient

    async def ask(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of its API; fails with what it says where it refuses."""
        answer = await self.client.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()["data"]

    async def value(self, expression: str) -> dict[str, float]:
        """Now, by all labels' values."""
        found = (await self.ask("query", query=expression))["result"]
        return {" ".join(one["metric"].values()): float(one["value"][1]) for one in found}


@asynccontextmanager
async def running_prometheus(folder: Path, targets: Path) -> AsyncIterator[Prometheus]:
    """It asks each part that the stack's file `targets` names, every second, and evaluates all rules as often."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no Prometheus: install Debian's package prometheus to run this")
    [port] = choose(1, [])
    config = _hurried(folder, targets)
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}")
    process = Process(
        "prometheus",
        [program, *options, f"--web.listen-address={LOOPBACK}:{port}"],
        folder / "prometheus.log",
    )
    process.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", trust_env=False) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/-/ready")).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            await until(ready, what="Prometheus's start")
            yield Prometheus(client)
    finally:
        process.ask_to_stop()
        process.wait(10)


def _hurried(folder: Path, targets: Path) -> Path:
    """The delivered configuration of one machine and its rules, each second."""
    config = yaml.safe_load((FOLDER / "local.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [scraped] = config["scrape_configs"]
    scraped["file_sd_configs"] = [{"files": [str(targets)]}]
    (folder / "rules").mkdir()
    for file in RULE_FILES:
        (folder / "rules" / file.name).write_text(re.sub(r"interval: \w+", "interval: 1s", file.read_text()))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"
