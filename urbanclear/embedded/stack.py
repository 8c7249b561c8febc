"""The whole of Urbanclear on one machine: `urbanclear up`.

    checks ─► PostgreSQL and Kafka ─► schema and topics ─► api, ingest, alerting, forecast, jobs ─► source

Every part is a process of its own, the same command that a larger installation runs. Whatever goes wrong before all
are up stops those that are; afterwards a part that ends is started again.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr

from schema import keys
from schema.admin import create_topics
from schema.analyst import PASSWORD_FILE, ROLE
from schema.dialect import connectable
from schema.upgrade import upgrade
from urbanclear.embedded import jars, java, ports, state
from urbanclear.embedded.kafka import Kafka
from urbanclear.embedded.postgres import Postgres
from urbanclear.embedded.process import Process
from urbanclear.embedded.source import keeps_old_times
from urbanclear.embedded.supervisor import DONE, Supervisor
from urbanclear.errors import StartError
from urbanclear.hosts import is_loopback
from urbanclear.settings import LOOPBACK, OFF, RETENTIONS, Settings, as_text

API_READY_SECONDS: Final = 60.0
PORTS: Final = ("postgres", "kafka", "kafka-controller", "ingest", "alerting", "source", "jobs", "forecast", "api")
EVERY_ADDRESS: Final = ("", "0.0.0.0", "::")  # noqa: S104 – nothing is bound here
#: The order of stopping, and how long each group may take: 10 s in all.
STOP_ORDER: Final = (
    (("source", "api", "alerting", "forecast", "jobs"), 3.0),
    (("ingest",), 3.0),
    (("PostgreSQL", "Kafka"), 4.0),
)

#: What the stack was started with that its commands must agree on: how long things are kept, how they are measured.
SHARED: Final = (
    *RETENTIONS,
    "analyst_timeout",
    "time_zone",
    "holidays",
    "nightly_at",
    "nightly_at_start",
    "planning_percentile",
    "delay_speed_ratio",
    "bottleneck_speed_kmh",
    "bottleneck_drop_kmh",
)

Say = Callable[[str], None]
JarProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Address:
    """A row of the table."""

    part: str
    address: str


@dataclass
class Stack:
    """A stack in `folder`. `source` are the arguments of `urbanclear source`; empty for none.

    `start` raises `StartError` with nothing left running; `stop` may always be called.
    """

    folder: Path
    settings: Settings
    source: list[str]
    say: Say
    jar_progress: JarProgress | None = None
    addresses: list[Address] = field(default_factory=list)
    metrics_urls: dict[str, str] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        self.folder = self.folder.absolute()
        self._state = state.load(self.folder)
        self._supervisor = Supervisor(self._remember)
        self._ports: dict[str, int] = {}
        self._targets: dict[str, int] = {}

    async def start(self) -> None:
        """Bring everything up; returns once the API answers."""
        ports.require_free(self.settings.api_port, self.settings.api_host, "--port")
        state.require_space(self.folder)
        state.end_leftovers(self._state)
        self._choose_ports()
        self._keep_what_is_replayed()
        database_url, bootstrap = await self._start_servers()
        self.say("Schema and topics")
        await asyncio.to_thread(upgrade, database_url, self.settings)
        await asyncio.to_thread(self._make_key, database_url)
        await create_topics(bootstrap, self.settings)
        self._start_parts(database_url, bootstrap)
        await self._wait_for_api()

    def check(self) -> None:
        """Start again what has ended, and tell Prometheus which parts there are."""
        self._supervisor.check()
        targets = {part: self._ports[part] for part in self.metrics_urls if self._supervisor.state(part) != DONE}
        if targets != self._targets:
            state.write_targets(self.folder, targets)
            self._targets = targets

    def stop(self) -> None:
        """Stop everything, in order."""
        state.remove_addresses(self.folder)
        for names, seconds in STOP_ORDER:
            self._supervisor.stop(list(names), seconds)
        self._state.processes.clear()
        self._state.save(self.folder)

    @property
    def api_url(self) -> str:
        """Where the API and the live page are."""
        return f"http://{self.settings.api_host}:{self.settings.api_port}"

    def part_state(self, name: str) -> str:
        """For the table: how the named part is; `yours` where the settings name a server."""
        return self._supervisor.state(name.split(",")[0]) or "yours"

    def _choose_ports(self) -> None:
        preferred = [self._state.ports[name] for name in PORTS if name in self._state.ports]
        self._ports = dict(zip(PORTS, ports.choose(len(PORTS), preferred), strict=True))
        if self.settings.metrics_port is not None:
            self._ports["api"] = self.settings.metrics_port
        self._state.ports = self._ports

    def _keep_what_is_replayed(self) -> None:
        """A recording is older than readings are kept: it stays, unless it is moved or the settings say how long."""
        if keeps_old_times(self.source) and "readings_retention" not in self.settings.model_fields_set:
            self.settings = self.settings.keeping_forever()

    async def _start_servers(self) -> tuple[str, str]:
        """Both servers at once; those that the settings name are used as they are."""
        given_url, given_bootstrap = self.settings.database_url, self.settings.kafka_bootstrap
        kafka = None if given_bootstrap else await self._prepare_kafka()
        postgres = None if given_url else await self._prepare_postgres()
        self.say("PostgreSQL and Kafka")
        waits = []
        if postgres is not None:
            self._supervisor.start(postgres.process)
            waits.append(asyncio.to_thread(postgres.wait_ready))
        if kafka is not None:
            self._supervisor.start(kafka.process)
            waits.append(kafka.wait_ready())
        await asyncio.gather(*waits)
        url = str(given_url) if postgres is None else self._open_to_analysts(postgres)
        bootstrap = str(given_bootstrap) if kafka is None else kafka.bootstrap
        self._add_address("PostgreSQL", _without_password(url))
        if postgres is not None:
            self._add_address("PostgreSQL, read-only", _without_password(postgres.url_of(ROLE)))
        self._add_address("Kafka", bootstrap)
        return url, bootstrap

    def _open_to_analysts(self, postgres: Postgres) -> str:
        """The embedded server's address; the role that reads gets a password, kept in the data folder."""
        if self.settings.analyst_password is None:
            password = state.secret(self.folder / PASSWORD_FILE)
            self.settings = self.settings.model_copy(update={"analyst_password": SecretStr(password)})
        return postgres.url

    async def _prepare_postgres(self) -> Postgres:
        postgres = Postgres(self.folder / "postgres", self._ports["postgres"], self._log("postgres"))
        await asyncio.to_thread(postgres.prepare)
        return postgres

    async def _prepare_kafka(self) -> Kafka:
        runtime = java.find_java()
        self.say("Kafka's libraries")
        folder = await asyncio.to_thread(jars.resolve, "kafka", self.settings, self.jar_progress)
        self._check_kafka_version(folder)
        port, controller = self._ports["kafka"], self._ports["kafka-controller"]
        kafka = Kafka(self.folder / "kafka", port, controller, self._log("kafka"), runtime, folder)
        await asyncio.to_thread(kafka.prepare)
        return kafka

    def _check_kafka_version(self, folder: Path) -> None:
        [clients] = folder.glob("kafka-clients-*.jar")
        version = clients.stem.removeprefix("kafka-clients-")
        if _release(version) < _release(self._state.kafka):
            raise StartError(
                f"{self.folder} holds data of Kafka {self._state.kafka}, this is {version}: move the folder away, "
                f"or install the Urbanclear that made it."
            )
        self._state.kafka = version

    def _start_parts(self, database_url: str, bootstrap: str) -> None:
        env = {
            **{f"URBANCLEAR_{name.upper()}": as_text(getattr(self.settings, name)) for name in SHARED},
            "URBANCLEAR_DATABASE_URL": database_url,
            "URBANCLEAR_KAFKA_BOOTSTRAP": bootstrap,
            "URBANCLEAR_API_HOST": self.settings.api_host,
            "URBANCLEAR_API_PORT": str(self.settings.api_port),
            "URBANCLEAR_PUBLIC_URL": public_url(self.settings),
            "URBANCLEAR_RESULTS_DIR": str(self.settings.results_dir.absolute()),
            "URBANCLEAR_MODELS_DIR": str(self.settings.models_dir.absolute()),
        }
        state.write_stack_env(self.folder, env)
        self._add_address("api", self.api_url)
        self._add_address("api, key", self.key)
        self._start_part("api", ["api"], {**env, "URBANCLEAR_OPEN_READS": str(reads_are_open(self.settings))})
        for name in ("ingest", "alerting"):
            self._start_part(name, [name], env)
        self._start_part("forecast", ["forecast", "serve"], env)
        if self.settings.nightly_at != OFF:
            self._start_part("jobs", ["spark", "nightly"], {**env, **self._where_java_libraries_are()})
        if self.source:
            self._start_part("source", ["source", *self.source], env, until_done=True)

    def _where_java_libraries_are(self) -> dict[str, str]:
        """For jobs, which need others than Kafka does."""
        jars, repository = self.settings.jars, self.settings.maven_repository
        found = {"URBANCLEAR_JARS": jars and str(jars.absolute()), "URBANCLEAR_MAVEN_REPOSITORY": repository}
        return {name: value for name, value in found.items() if value}

    def _make_key(self, database_url: str) -> None:
        """A key of the folder's own with all scopes; another in its place where it was revoked."""
        file, name = self.folder / "api.key", f"urbanclear up in {self.folder} on {socket.gethostname()}"
        with connectable(database_url).begin() as connection:
            key = state.secret(file, keys.new_key)
            if not keys.ensure(connection, name[-keys.MOST_NAME_CHARACTERS :], key):
                file.unlink()
                key = state.secret(file, keys.new_key)
                keys.ensure(connection, name[-keys.MOST_NAME_CHARACTERS :], key)
        self.key = key

    def _start_part(self, name: str, arguments: list[str], env: dict[str, str], *, until_done: bool = False) -> None:
        if name in self._ports:
            env = {**env, "URBANCLEAR_METRICS_PORT": str(self._ports[name])}
            self.metrics_urls[name] = f"http://{LOOPBACK}:{self._ports[name]}/metrics"
            self._add_address("api, metrics" if name == "api" else name, self.metrics_urls[name])
        command = [sys.executable, "-m", "urbanclear", *arguments]
        # In the user's folder, where `.env` is and the files that settings name; nothing is imported from there.
        process = Process(name, command, self._log(name), {**env, "PYTHONSAFEPATH": "1"}, folder=Path.cwd())
        self._supervisor.start(process, until_done=until_done)

    async def _wait_for_api(self) -> None:
        """Until the API answers; a part that ends meanwhile is started again, but not for ever."""
        self.say("API")
        url = f"{self.api_url}/health/ready"
        end = time.monotonic() + API_READY_SECONDS
        async with httpx.AsyncClient(trust_env=False) as client:
            while True:
                self.check()
                try:
                    if (await client.get(url)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                if time.monotonic() > end:
                    raise StartError(
                        f"The API did not answer within {API_READY_SECONDS:.0f} s: see {self._log('api')}."
                    )
                await asyncio.sleep(0.1)

    def _remember(self, process: Process) -> None:
        if process.pid is not None:
            self._state.processes[process.name] = state.identity_of(process.pid)
            self._state.save(self.folder)

    def _add_address(self, part: str, address: str) -> None:
        self.addresses.append(Address(part, address))

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def reads_are_open(settings: Settings) -> bool:
    """To this machine alone, unless the settings say otherwise."""
    if "open_reads" in settings.model_fields_set:
        return settings.open_reads
    return is_loopback(settings.api_host)


def public_url(settings: Settings) -> str:
    """To which messages link: the stack's own page, unless the settings say otherwise."""
    if settings.public_url is not None:
        return settings.public_url.unicode_string()
    host = settings.api_host.strip("[]")
    if host in EVERY_ADDRESS:
        host = socket.gethostname()
    return f"http://[{host}]:{settings.api_port}/" if ":" in host else f"http://{host}:{settings.api_port}/"


def _without_password(url: str) -> str:
    scheme, rest = url.split("://", 1)
    login, at, place = rest.rpartition("@")
    return f"{scheme}://{login.split(':')[0]}{at}{place}"


def _release(version: str) -> tuple[int, ...]:
    """Major and minor, which decide whether data can be read; () for none, below all others."""
    return tuple(int(word) for word in version.split(".")[:2]) if version else ()
