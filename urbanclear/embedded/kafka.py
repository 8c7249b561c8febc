"""Apache Kafka in KRaft mode as a local process: broker and controller in one JVM, loopback only."""

import asyncio
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from urbanclear.embedded import ports
from urbanclear.embedded.java import Java
from urbanclear.embedded.process import Process
from urbanclear.errors import StartError
from urbanclear.settings import LOOPBACK

START_SECONDS = 90
HEAP = "-Xmx512m"
_JVM = [HEAP, "-XX:+UseSerialGC", "-Djava.awt.headless=true"]
LOGGING = Path(__file__).with_name("kafka-log4j2.properties")


class Kafka:
    """The embedded broker with its state in `folder` and its jars in `jars`."""

    def __init__(self, folder: Path, port: int, controller_port: int, log: Path, java: Java, jars: Path) -> None:
        self.bootstrap = f"{LOOPBACK}:{port}"
        self._port = port
        self._folder = folder.absolute()
        self._controller_port = controller_port
        self._java = java
        self._classpath = f"{jars}/*"
        self._properties = self._folder / "server.properties"
        self.process = Process("Kafka", self._java_command("kafka.Kafka", str(self._properties)), log)

    def prepare(self) -> None:
        """Write the configuration, and format the log folder where there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in self._configuration().items()))
        if not (self._folder / "data" / "meta.properties").exists():
            self._format()

    async def wait_ready(self) -> None:
        """Wait until the broker answers."""
        end = time.monotonic() + START_SECONDS
        while not await self._answers():
            if not self.process.running or time.monotonic() > end:
                raise self.process.failure()

    async def _answers(self) -> bool:
        if ports.is_free(self._port):
            await asyncio.sleep(0.1)
            return False
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=2_000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except KafkaError:
            return False
        finally:
            await admin.close()

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # with "=", as an id may begin with a dash
        arguments = ["format", "--standalone", f"--cluster-id={cluster}", f"--config={self._properties}"]
        command = self._java_command("kafka.tools.StorageTool", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise StartError(f"Kafka's log folder could not be made: {(done.stderr or done.stdout).strip()}")

    def _java_command(self, main: str, *arguments: str) -> list[str]:
        flags = [*_JVM, f"-Dlog4j2.configurationFile={LOGGING}", "-cp", self._classpath]
        return [str(self._java.executable), *flags, main, *arguments]

    def _configuration(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{self._controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._folder / "data"),
            "num.partitions": "1",
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.segment.bytes": str(128 * 1024 * 1024),
            # A broker that was killed may register again once its last session is over: soon.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
        }
