"""A real MQTT broker, Debian's mosquitto, that can be stopped and started, and devices that publish to it."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from tests.waiting import until
from urbanclear.embedded.ports import choose
from urbanclear.embedded.process import Process
from urbanclear.settings import LOOPBACK

USER, PASSWORD = "city", "a password of tests"


@dataclass
class Mosquitto:
    """A broker whose sessions and messages survive its restart."""

    folder: Path
    port: int
    settings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(
            "\n".join(
                [
                    "user root",
                    f"listener {self.port} {LOOPBACK}",
                    "persistence true",
                    f"persistence_location {self.folder}/",
                    "max_inflight_messages 0",
                    "log_type all",
                    *(self.settings or ["allow_anonymous true"]),
                ]
            )
            + "\n"
        )
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
        assert program is not None
        self._process = Process("mosquitto", [program, "-c", config], self.folder / "mosquitto.log")

    @property
    def url(self) -> str:
        return f"mqtt://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        self._process.start()
        await until(self._answers, what="mosquitto's start")

    async def stop(self) -> None:
        self._process.ask_to_stop()
        await asyncio.to_thread(self._process.wait, 5)

    async def publish(self, topic: str, *payloads: bytes, qos: int = 1) -> None:
        """As a device does, and wait until the broker has it all."""
        async with aiomqtt.Client(LOOPBACK, self.port) as device:
            for payload in payloads:
                await device.publish(topic, payload, qos=qos)

    def logged(self, words: str) -> int:
        """How often the broker says so."""
        return (self.folder / "mosquitto.log").read_text().count(words)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def running_mosquitto(folder: Path, *settings: str) -> AsyncIterator[Mosquitto]:
    """A broker for the length of a test; by itself it lets everyone in."""
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("install Debian's mosquitto to run the tests of MQTT")
    broker = Mosquitto(folder, choose(1, [])[0], list(settings))
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running_mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """Lets one user in."""
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("install Debian's mosquitto to run the tests of MQTT")
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", file, USER, PASSWORD], check=True)
    return file


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate of this machine, signed by itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    alternative = ("-addext", f"subjectAltName=IP:{LOOPBACK}")
    command = [*request, *alternative, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return key, certificate
