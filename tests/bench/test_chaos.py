"""The chaos harness: faults of every kind come to no harm, and whatever harm there is would be found."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from bench.chaos.disk import MIB, Disk
from bench.chaos.faults import WEIGHTS, Pace, plan
from bench.chaos.ledger import Account, Delivered, Findings, Ledger, Letter, Owed
from bench.chaos.messages import Bad, Good, Script
from bench.chaos.proxy import Proxy
from bench.chaos.run import Options, chaos
from bench.chaos.stored import compare_aggregates, compare_readings
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.events import check_time, decode_readings
from schema.retention import Retention
from schema.rollups import MEASURES
from urbanclear.errors import InvalidEvent
from urbanclear.settings import LOOPBACK, Settings

START = datetime(2026, 3, 2, 7, tzinfo=UTC)
MESSAGES = 150
QUICK = Pace(apart_s=(0.3, 0.7), longest_s=1.2)

seeds = st.integers(0, 1 << 32)
numbers = st.integers(0, 5_000)
few = settings(max_examples=50)  # of which some make a megabyte


@pytest.fixture
def script() -> Script:
    return Script(7, START, 6)


def delivered(script: Script, numbers: range = range(MESSAGES)) -> list[Delivered]:
    """As if Kafka had taken each message, in the order of their numbers."""
    ends: Counter[int] = Counter()
    found = []
    for number in numbers:
        message = script.message(number)
        found.append(Delivered(message.partition, ends[message.partition], number, message.value))
        ends[message.partition] += 1
    return found


def account_of(script: Script, taken: list[Delivered]) -> tuple[Account, list[Owed], Findings]:
    ledger = Ledger({found.number: (found.partition, found.offset) for found in taken if found.number is not None})
    findings = Findings()
    account = Account(script, ledger, findings)
    return account, list(account.take(taken)), findings


def letters_of(account: Account) -> list[Letter]:
    return [Letter(origin, bad.reason, bad.value) for origin, bad in account.rejected.items()]


# What is sent


@few
@given(seeds, numbers)
def test_a_message_can_be_made_again(seed: int, number: int) -> None:
    assert Script(seed, START, 6).message(number) == Script(seed, START, 6).message(number)


@few
@given(seeds, numbers)
def test_the_contract_accepts_and_refuses_what_the_ledger_expects(seed: int, number: int) -> None:
    message = Script(seed, START, 6).message(number)
    if all(isinstance(part, Good) for part in message.parts):
        found = decode_readings(message.value or b"")
        said = [(one.sensor, one.time, tuple(getattr(one, name) for name in MEASURES)) for one in found]
        assert said == [tuple(part) for part in message.parts]
    for part in message.parts:
        if isinstance(part, Bad):
            assert reason_of(part.value) == part.reason
            assert part.item is None or part.value in (message.value or b"")


def reason_of(value: bytes) -> str | None:
    try:
        for reading in decode_readings(value):
            check_time(
                reading, now=START, oldest=Settings().oldest_time, future_tolerance=Settings().future_tolerance
            )
    except InvalidEvent as error:
        return error.reason
    return None


@few
@given(seeds, numbers)
def test_a_sensor_stays_in_its_partition(seed: int, number: int) -> None:
    message = Script(seed, START, 6).message(number)
    for part in message.parts:
        if isinstance(part, Good):
            assert int(part.sensor.split(":")[1].split("-")[0]) % 6 == message.partition


def test_all_that_can_be_sent_is_sent_soon(script: Script) -> None:
    messages = [script.message(number) for number in range(1_000)]
    said = Counter((p.sensor, p.time) for message in messages for p in message.parts if isinstance(p, Good))
    assert {part.reason for message in messages for part in message.parts if isinstance(part, Bad)} == {
        "undecodable",
        "invalid",
        "naive_time",
        "future_time",
        "too_old",
    }
    assert any(len(message.value or b"") >= 1_000_000 for message in messages)
    assert any({type(part) for part in message.parts} == {Good, Bad} for message in messages)
    assert max(said.values()) > 1


# What is found


async def test_nothing_is_found_where_all_is_as_it_was_sent(database_url: str, script: Script) -> None:
    async with stored(database_url, script) as (connection, taken):
        account, owed, findings = account_of(script, taken)
        accepted, stored_rows = await compare_readings(connection, owed, findings)
        account.close()
        account.compare(letters_of(account))
        await compare_aggregates(connection, findings)
        assert not findings, findings
        assert 1_000 < accepted == stored_rows < len(owed)


ONE = "(sensor_id, time) = (SELECT sensor_id, time FROM readings LIMIT 1)"
HARM = {
    "lost": f"DELETE FROM readings WHERE {ONE}",
    "changed": f"UPDATE readings SET volume_vph = 4000 WHERE {ONE}",
    "strange": "INSERT INTO readings SELECT sensor_id, time + interval '1 ms', 50 FROM readings LIMIT 1",
    "repeated": "ALTER TABLE readings DROP CONSTRAINT readings_pkey;"
    f"INSERT INTO readings SELECT * FROM readings WHERE {ONE}",
}


AGGREGATES_HARMED = (
    "DELETE FROM rollup.readings_5m_kept WHERE ctid = (SELECT min(ctid) FROM rollup.readings_5m_kept)",
    "UPDATE rollup.readings_1h_kept SET speed_kmh_sum = speed_kmh_sum + 0.01",
    "UPDATE rollup.area_1d_kept SET readings = readings + 1",
    "INSERT INTO rollup.area_1h_kept (area, time, readings) VALUES ('nowhere', '2026-03-02Z', 1)",
    "UPDATE latest_readings SET speed_kmh = speed_kmh + 1",
)


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_harm_done_to_one_reading_is_found(database_url: str, script: Script) -> None:
    async with stored(database_url, script) as (connection, taken):
        for kind, harm in HARM.items():
            findings = Findings()
            async with connection.transaction(force_rollback=True):
                await connection.execute(harm.encode())
                await compare_readings(connection, account_of(script, taken)[1], findings)
            assert findings.counts == {kind: 1}
            assert (findings.lost, findings.repeated) == ((1, 0) if kind in ("lost", "changed") else (0, 1))
            assert "reading of" in findings.shown[kind][0]


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_a_wrong_aggregate_is_found(database_url: str, script: Script) -> None:
    async with stored(database_url, script) as (connection, _):
        for harm in AGGREGATES_HARMED:
            findings = Findings()
            async with connection.transaction(force_rollback=True):
                await connection.execute(harm.encode())
                await compare_aggregates(connection, findings)
            assert set(findings.counts) == {"aggregate"}, harm
            assert findings
            assert (findings.lost, findings.repeated) == (0, 0)


@asynccontextmanager
async def stored(url: str, script: Script) -> AsyncIterator[tuple[AsyncConnection, list[Delivered]]]:
    """A database that holds what the messages say, the first of each sensor and time, with all its aggregates."""
    taken = delivered(script)
    owed = account_of(script, taken)[1]
    engine = engine_of(url)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await Chunks(engine).ensure(connection, "readings", {row.time for row in owed})
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO sensors (external_id, name) VALUES (%s, '') ON CONFLICT DO NOTHING",
                [[row.sensor] for row in owed],
            )
            await cursor.executemany(
                "INSERT INTO readings SELECT id, %s, %s, %s, %s, %s FROM sensors WHERE external_id = %s "
                "ON CONFLICT DO NOTHING",
                [[row.time, *row.measures, row.sensor] for row in owed],
            )
        await connection.execute(
            "INSERT INTO latest_readings SELECT DISTINCT ON (sensor_id) sensor_id, time, speed_kmh, volume_vph, "
            "occupancy, travel_time_s FROM readings ORDER BY sensor_id, time DESC"
        )
        times = [row.time for row in owed]
        await engine.recompute(connection, min(times), max(times), Retention())
        await engine.catch_up(connection, Retention())
        yield connection, taken


@settings(max_examples=20)
@given(st.data())
def test_harm_done_to_one_dead_letter_is_found(data: st.DataObject) -> None:
    script = Script(7, START, 6)
    account, _, findings = account_of(script, delivered(script, range(40)))
    letters = letters_of(account)
    victim = letters[data.draw(st.integers(0, len(letters) - 1))]
    harmed = {
        "lost": [letter for letter in letters if letter != victim],
        "repeated": [*letters, victim],
        "strange": [*letters, victim._replace(origin="traffic.readings/0/999")],
        "changed": [letter._replace(value=b"!") if letter == victim else letter for letter in letters],
    }
    kind = data.draw(st.sampled_from(sorted(harmed)))
    account.compare(harmed[kind])
    assert findings.counts == {kind: 1}
    assert victim.origin in findings.shown[kind][0] or kind == "strange"


def test_a_dead_letter_with_another_reason_is_found(script: Script) -> None:
    account, _, findings = account_of(script, delivered(script))
    first, *others = letters_of(account)
    account.compare([first._replace(reason="refused"), *others])
    assert findings.counts == {"changed": 1}


def test_a_message_that_kafka_acknowledged_and_does_not_have_is_found(script: Script) -> None:
    taken = delivered(script)
    account, _, findings = account_of(script, taken)
    account.close()
    assert not findings
    ledger = Ledger({found.number or 0: (found.partition, found.offset) for found in taken})
    incomplete = Account(script, ledger, findings)
    list(incomplete.take(taken[1:]))
    incomplete.close()
    assert findings.counts == {"lost": 1}


def test_a_message_that_nobody_sent_is_found(script: Script) -> None:
    taken = delivered(script, range(60))
    forged = [taken[0]._replace(number=None), taken[1]._replace(value=b"{}"), taken[2]._replace(number=61)]
    findings = Findings()
    account = Account(script, Ledger(uncertain=set(range(60))), findings)
    list(account.take([*forged, *taken[3:]]))
    assert findings.counts == {"strange": 3}


def test_a_message_of_unknown_fate_is_owed_once_it_is_in_the_topic(script: Script) -> None:
    taken = delivered(script)
    findings = Findings()
    account = Account(script, Ledger(uncertain=set(range(MESSAGES + 10))), findings)
    assert list(account.take(taken)) == account_of(script, taken)[1]
    account.close()
    assert not findings


# What happens


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


async def test_faults_of_every_kind_lose_nothing_and_repeat_nothing(servers_folder: Path) -> None:
    folder = servers_folder / "chaos"
    folder.mkdir()
    folder.chmod(0o755)
    options = Options(faults=len(WEIGHTS), seed=1, rate=1_000, ingests=2, pace=QUICK, patience_s=30)
    verdict = await chaos(folder, Settings(), options, lambda what, tally: None)
    assert not verdict.findings, (verdict.findings, verdict.notes)
    assert len(verdict.faults) + len(verdict.left_out) == len(WEIGHTS)
    assert 0 < verdict.accepted == verdict.stored
    assert verdict.rejected > 20
    assert verdict.line.endswith("lost=0 repeated=0")
