"""Outgoing HTTP that cannot be led astray: what a contact's URL reaches is the public Internet, or a network that the
operator allowed, and never this machine or its neighbours.

A name is resolved once, the address is checked, and the connection is made to that very address, so that a name that
resolves to something else a moment later gains nothing. TLS and the Host header keep the name. Redirects are not
followed, and neither a long answer nor a slow one is waited for.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpcore
import httpx

from schema.alerting.addresses import web_address
from urbanclear.errors import Refused, TryLater

Address = IPv4Address | IPv6Address

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 65_536  # bytes that are read of it
#: Public addresses at which clouds serve their machines' secrets.
_METADATA: Final = frozenset(map(ip_address, ("168.63.129.16", "192.0.0.192", "100.100.100.200", "169.254.169.254")))
_NAT64: Final = ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Answer:
    """What the receiver said; `body` is at most its first `LARGEST_ANSWER` bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Addresses:
    """Which addresses may be connected to: public ones, and those in `networks`, as `10.1.0.0/16`."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def lists(self, address: str) -> bool:
        """Whether the operator named a network that `address` is in."""
        plain = _innermost(ip_address(address))
        return any(plain in network for network in self._networks if network.version == plain.version)

    def permits(self, address: str) -> bool:
        """Whether `address` may be connected to."""
        if self.lists(address):
            return True
        outer, plain = ip_address(address), _innermost(ip_address(address))
        return all(
            one.is_global and not one.is_multicast and not one.is_reserved and one not in _METADATA
            for one in {plain, outer if plain.version == outer.version else plain}
        )

    def permitted(self, host: str, found: Iterable[str], *, listed_only: bool) -> list[str]:
        """Those of `found`, the addresses of `host`, that may be connected to; raises `Refused` where none may.

        `listed_only`: without TLS, so that only the operator's own networks may be.
        """
        if good := [address for address in found if self.permits(address)]:
            if not listed_only or all(map(self.lists, good)):
                return good
            raise Refused(
                f"{host} is not in a network of URBANCLEAR_ALERT_PRIVATE_NETWORKS, where alone http:// is allowed: "
                f"use https://"
            )
        raise Refused(forbidden(host))

    def refusal(self, url: str) -> str | None:
        """Why `url` will be refused, where that is certain: its host is an address itself, and no name."""
        place = web_address(url)
        try:
            ip_address(place.host)
        except ValueError:
            return None
        try:
            self.permitted(place.host, [place.host], listed_only=place.scheme == "http")
        except Refused as refused:
            return str(refused)
        return None


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


class _Connector(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it has checked itself."""

    def __init__(self, addresses: Addresses, *, listed_only: bool) -> None:
        self._addresses = addresses
        self._listed_only = listed_only
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        last: Exception | None = None
        for address in await self._checked(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def _checked(self, host: str, port: int) -> list[str]:
        found = await resolve(host, port)
        return self._addresses.permitted(host, found, listed_only=self._listed_only)


def forbidden(host: str) -> str:
    """Why a host whose addresses are all refused is not connected to."""
    return (
        f"{host} is in a network that notifications must not go to: where that is meant, name the network in "
        f"URBANCLEAR_ALERT_PRIVATE_NETWORKS"
    )


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`; raises `TryLater` where there are none now."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TryLater(f"the name {host} has no address ({error})") from None
    return list(dict.fromkeys(str(place[4][0]).partition("%")[0] for place in found))


class Gate:
    """The one door through which messages leave by HTTP. To be closed."""

    def __init__(self, addresses: Addresses, *, tls: ssl.SSLContext | None = None) -> None:
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=tls or httpx.create_ssl_context(),
                max_connections=200,
                keepalive_expiry=30,
                network_backend=_Connector(addresses, listed_only=scheme == "http"),
            )
            for scheme in ("http", "https")
        }

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post `body`. Raises `TryLater` where nobody answers in time, and `Refused` for a URL that may not be used.

        What the answer means is the caller's to say (`accepted`).
        """
        place = web_address(url)
        target = httpcore.URL(
            scheme=place.raw_scheme, host=place.raw_host, port=place.port, target=place.raw_path or b"/"
        )
        sent = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        host = place.netloc
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._exchange(place.scheme, target, [(b"Host", host), *sent], body)
        except TimeoutError:
            raise TryLater(f"{place.host} did not answer within {TOTAL_SECONDS:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise TryLater(f"{place.host}: {error or type(error).__name__}"[:300]) from None

    async def _exchange(
        self, scheme: str, url: httpcore.URL, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> Answer:
        patience = {"connect": CONNECT_SECONDS, "read": TOTAL_SECONDS, "write": TOTAL_SECONDS, "pool": TOTAL_SECONDS}
        async with self._pools[scheme].stream(
            b"POST", url, headers=headers, content=body, extensions={"timeout": patience}
        ) as response:
            read = bytearray()
            async for part in response.aiter_stream():
                read += part
                if len(read) > LARGEST_ANSWER:
                    break
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, told, bytes(read[:LARGEST_ANSWER]))

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
