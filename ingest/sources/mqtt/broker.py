"""An MQTT broker: where it is, and a connection that acknowledges a message only when told to.

The session outlives the connection: what comes while nobody is connected, and what was not acknowledged, the broker
keeps and sends (again) to the next connection with the same client id. No more than `MOST_IN_FLIGHT` messages are on
their way at a time (MQTT 5, section 4.9); with 3.1.1, which has no such word, as many as the broker is set to.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, Self
from urllib.parse import unquote, urlsplit
from zlib import crc32

import aiomqtt
from aiomqtt import ProtocolVersion
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from urbanclear.errors import ConfigurationError, SourceError

Version = Literal["5", "3.1.1"]

MOST_IN_FLIGHT: Final = 1_000
SESSION_SECONDS: Final = 7 * 24 * 3600  # after which a broker forgets a source that stays away
ANSWER_SECONDS: Final = 5.0
KEEPALIVE_SECONDS: Final = 15
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
QOS: Final = 1
#: Refusals that may be over in a moment (MQTT 5, section 3.2.2.2; all others need somebody to change something).
PASSING: Final = {"Server unavailable", "Server busy", "Quota exceeded", "Connection rate exceeded"}


def session_name(topic: str) -> str:
    """The client id of whoever takes `topic`, the same after a restart; of the letters that all brokers take."""
    return f"urbanclear{crc32(topic.encode()):08x}"


@dataclass(frozen=True)
class Broker:
    """Where to connect, and as whom; `client_id` names the session."""

    host: str
    port: int
    tls: bool
    user: str | None
    client_id: str
    version: Version = "5"

    @classmethod
    def parse(cls, url: str, client_id: str, version: Version = "5") -> Self:
        """From `mqtt://user@host:1883`, or `mqtts://` for TLS; raises `ConfigurationError`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"{url} is no address of a broker ({error}): say mqtt://host:1883.") from None
        if parts.password is not None:
            raise ConfigurationError("A password in an address is seen by others: set URBANCLEAR_MQTT_PASSWORD.")
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ConfigurationError(f"{url} is no address of a broker: say mqtt://host:1883, or mqtts:// for TLS.")
        user = unquote(parts.username) if parts.username else None
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, port or PORTS[parts.scheme], tls, user, client_id, version)


class Connection(aiomqtt.Client):
    """A connection to `broker`, whose messages are acknowledged by hand, in the order of their arrival."""

    def __init__(self, broker: Broker, password: str | None) -> None:
        modern = broker.version == "5"
        super().__init__(
            broker.host,
            broker.port,
            username=broker.user,
            password=password,
            identifier=broker.client_id,
            protocol=ProtocolVersion.V5 if modern else ProtocolVersion.V311,
            clean_session=None if modern else False,
            clean_start=False if modern else MQTT_CLEAN_START_FIRST_ONLY,
            properties=_session() if modern else None,
            tls_context=ssl.create_default_context() if broker.tls else None,
            keepalive=KEEPALIVE_SECONDS,
            timeout=ANSWER_SECONDS,
        )
        self._client.manual_ack_set(True)

    async def next_batch(self) -> list[aiomqtt.Message]:
        """The messages that have come, at least one; raises `MqttError` once the connection is lost."""
        messages = self.messages
        batch = [await anext(messages)]
        while len(messages) and len(batch) < MOST_IN_FLIGHT:
            batch.append(await anext(messages))
        return batch

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """The broker may forget `message`. On a connection that is lost it changes nothing."""
        if message.qos:
            self._client.ack(message.mid, message.qos)


@asynccontextmanager
async def connected(broker: Broker, topic: str, password: str | None) -> AsyncIterator[Connection]:
    """A connection that is sent what matches the filter `topic`.

    Raises `MqttError` where the broker is away, and `SourceError` where it refuses for good.
    """
    try:
        async with Connection(broker, password) as connection:
            check_granted(topic, await connection.subscribe(topic, qos=QOS))
            yield connection
    except MqttConnectError as error:
        if isinstance(error.rc, ReasonCode) and error.rc.getName() in PASSING:
            raise
        raise SourceError(
            f"The MQTT broker at {broker.host}:{broker.port} refuses the connection ({error}): check the user, "
            f"URBANCLEAR_MQTT_PASSWORD and --version."
        ) from error


def check_granted(topic: str, codes: tuple[int, ...] | list[ReasonCode]) -> None:
    """Raise `SourceError` where the broker's answer to a subscription is no."""
    for code in codes:
        if isinstance(code, ReasonCode) and code.is_failure:
            raise SourceError(
                f"The MQTT broker does not let this user subscribe to {topic} ({code}): allow it there, or choose "
                f"another --topic."
            )


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_SECONDS
    properties.ReceiveMaximum = MOST_IN_FLIGHT
    return properties
