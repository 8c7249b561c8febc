"""The embedded broker with a door for each ingest process, so that the network of one alone can fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from urbanclear.embedded.java import Java
from urbanclear.embedded.kafka import Kafka
from urbanclear.settings import LOOPBACK


@dataclass(frozen=True)
class Door:
    """A listener on `port` that tells its clients to come by way of `proxy_port`."""

    port: int
    proxy_port: int


class ManyDoors(Kafka):
    """As `Kafka`, with further listeners: a client stays behind the proxy by which it came."""

    def __init__(
        self, folder: Path, ports: tuple[int, int], log: Path, java: Java, jars: Path, doors: Sequence[Door]
    ) -> None:
        super().__init__(folder, *ports, log, java, jars)
        self._doors = dict(enumerate(doors))

    def _configuration(self) -> dict[str, str]:
        plain = super()._configuration()
        listeners = [f"DOOR{number}://{LOOPBACK}:{door.port}" for number, door in self._doors.items()]
        advertised = [f"DOOR{number}://{LOOPBACK}:{door.proxy_port}" for number, door in self._doors.items()]
        names = ["CONTROLLER", "PLAINTEXT", *(f"DOOR{number}" for number in self._doors)]
        return plain | {
            "listeners": ",".join([plain["listeners"], *listeners]),
            "advertised.listeners": ",".join([plain["advertised.listeners"], *advertised]),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
            "inter.broker.listener.name": "PLAINTEXT",
        }
