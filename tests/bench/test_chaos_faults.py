"""Faults: a seed's sequence of them, a disk that is full, and a network that is bad for a while and then is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.chaos.disk import MIB, Disk
from bench.chaos.faults import WEIGHTS, Pace, plan
from bench.chaos.proxy import Proxy
from urbanclear.settings import LOOPBACK

seeds = st.integers(0, 1 << 32)


@given(seeds, st.integers(1, 60))
def test_a_seed_stands_for_one_sequence_with_every_kind_before_any_again(seed: int, count: int) -> None:
    kinds = list(WEIGHTS)
    faults = plan(seed, count, kinds, Pace())
    assert faults == plan(seed, count, kinds, Pace())
    assert len(faults) == count
    assert len({fault.kind for fault in faults[: len(kinds)]}) == min(count, len(kinds))


def test_some_processes_sleep_longer_than_their_session() -> None:
    pauses = [fault.seconds for fault in plan(1, 200, list(WEIGHTS), Pace()) if fault.kind == "pause ingest"]
    assert min(pauses) < 10 < max(pauses)


def test_a_full_disk_refuses_to_be_written_to_until_it_is_emptied(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", 8 * MIB)
    disk.mount()
    if not disk.mounted:
        pytest.skip("no small disk can be mounted: not root, or not allowed here")
    try:
        with disk.full(), pytest.raises(OSError, match="No space left"):
            (disk.folder / "file").write_bytes(b"x")
        (disk.folder / "file").write_bytes(b"x")
    finally:
        disk.unmount()


@asynccontextmanager
async def proxied_echo() -> AsyncIterator[tuple[Proxy, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection through a proxy to a server that says everything again."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    proxy = Proxy((LOOPBACK, int(server.sockets[0].getsockname()[1])))
    await proxy.start()
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    try:
        yield proxy, reader, writer
    finally:
        writer.transport.abort()
        await proxy.close()
        server.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = b"ping") -> bytes:
    writer.write(said)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(said))


async def test_a_proxy_carries_what_is_said_both_ways() -> None:
    async with proxied_echo() as (_, reader, writer):
        assert await answer(reader, writer) == b"ping"


async def test_a_cut_connection_is_reset_and_so_is_the_next_one() -> None:
    async with proxied_echo() as (proxy, reader, writer):
        await answer(reader, writer)
        with proxy.cut():
            assert await ended(reader)
            again, other = await asyncio.open_connection(LOOPBACK, proxy.port)
            assert await ended(again)
            other.transport.abort()


async def test_after_silence_all_arrives() -> None:
    async with proxied_echo() as (proxy, reader, writer):
        await answer(reader, writer)
        with proxy.silent():
            writer.write(b"late")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.read(1)
        assert await reader.readexactly(4) == b"late"


async def test_half_open_is_not_told_to_the_client_until_it_is_over() -> None:
    async with proxied_echo() as (proxy, reader, writer):
        await answer(reader, writer)
        with proxy.half_open():
            writer.write(b"lost")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.read(1)
        assert await ended(reader)


@pytest.mark.parametrize("kind", ["slow", "dripping"])
async def test_a_slow_connection_takes_longer_and_loses_nothing(kind: str) -> None:
    async with proxied_echo() as (proxy, reader, writer):
        said = bytes(500)
        with proxy.slow(0.05) if kind == "slow" else proxy.dripping():
            began = asyncio.get_running_loop().time()
            assert await answer(reader, writer, said) == said
            assert asyncio.get_running_loop().time() - began > 0.09


async def ended(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        try:
            return await reader.read(1) == b""
        except ConnectionResetError:
            return True
