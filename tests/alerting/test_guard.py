"""What notifications may reach: by address, by name, and with the operator's word."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.guard import Addresses, Gate
from alerting.guarded_threads import Watch, watched
from tests.alerting.receiver import receiving
from urbanclear.errors import Refused, TryLater


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "168.63.129.16",
        "100.64.0.1", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.0.192", "198.18.0.1",
        "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "2002:a9fe:a9fe::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_networks_of_machines_own_are_refused(address: str) -> None:
    assert not Addresses().permits(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_permitted(address: str) -> None:
    assert Addresses().permits(address)


def test_what_the_operator_names_is_permitted_in_either_form() -> None:
    addresses = Addresses(["10.1.0.0/16", "fd00::/8"])
    assert addresses.permits("10.1.2.3")
    assert addresses.permits("::ffff:10.1.2.3")
    assert addresses.permits("fd00::1")
    assert not addresses.permits("10.2.0.1")


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_a_private_address_is_refused_in_every_disguise(address: Any) -> None:
    assert not Addresses().permits(str(address))
    assert not Addresses().permits(f"::ffff:{address}")
    assert not Addresses().permits(f"64:ff9b::{int(address) >> 16:x}:{int(address) & 0xFFFF:x}")


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
async def test_a_name_that_leads_here_is_refused_after_it_is_looked_up(host: str) -> None:
    gate = Gate(Addresses())
    try:
        for scheme in ("http", "https"):
            with pytest.raises((Refused, TryLater)) as raised:
                await gate.post(f"{scheme}://{host}:9/", b"{}", {})
            assert (
                "network" in str(raised.value) or "Invalid" in str(raised.value) or "no address" in str(raised.value)
            )
    finally:
        await gate.close()


async def test_nothing_is_sent_to_a_receiver_that_is_not_permitted() -> None:
    async with receiving() as receiver:
        gate = Gate(Addresses())
        with pytest.raises(Refused, match="URBANCLEAR_ALERT_PRIVATE_NETWORKS"):
            await gate.post(f"http://localhost:{receiver.port}/", b"{}", {})
        await gate.close()
        assert receiver.requests == []


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_code_of_others_is_stopped_at_the_connection(family: socket.AddressFamily) -> None:
    watch = Watch(Addresses())
    place = "127.0.0.1" if family == socket.AF_INET else "::1"
    with pytest.raises(ConnectionRefusedError, match="must not go to"):
        watched(watch, connecting(family, place))
    assert watch.refused == [place]


async def test_code_of_others_may_connect_to_what_the_operator_named() -> None:
    async with receiving() as receiver:
        watched(
            Watch(Addresses(["127.0.0.0/8"]), listed_only=True),
            connecting(socket.AF_INET, "127.0.0.1", receiver.port),
        )


def connecting(family: socket.AddressFamily, host: str, port: int = 9) -> Callable[[], None]:
    def connect() -> None:
        with socket.socket(family) as one:
            one.connect((host, port))

    return connect
