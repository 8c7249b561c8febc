"""The chaos harness: faults of every kind come to no harm, and whatever harm there is would be found."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from bench.chaos.cli import conclude, run
from bench.chaos.faults import WEIGHTS, Pace
from bench.chaos.ledger import Account, Delivered, Findings, Ledger, Letter, Owed
from bench.chaos.messages import Bad, Good, Script
from bench.chaos.run import Options, Verdict
from bench.chaos.stored import compare_aggregates, compare_readings
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.events import check_time, decode_readings
from schema.retention import Retention
from schema.rollups import MEASURES
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

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


# What is said


def test_faults_of_every_kind_lose_nothing_and_repeat_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(faults=len(WEIGHTS), seed=1, rate=1_000, ingests=2, pace=QUICK, patience_s=30)
    fine = run(Settings(), options, as_json=True)
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert fine, found
    assert (found["lost"], found["repeated"], found["findings"]) == (0, 0, {})
    assert len(found["faults"]) + len(found["left_out"]) == len(WEIGHTS)
    assert 0 < found["accepted"] == found["stored"]
    assert found["rejected"] > 20
    assert printed.err.splitlines()[-1].endswith(f"rejected={found['rejected']} lost=0 repeated=0")


def test_what_is_wrong_is_shown_before_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Verdict(Counter({"cut": 3, "drip": 1}), accepted=9, stored=8, rejected=2)
    verdict.findings.add("lost", [f"reading {number}" for number in range(20)], 20)
    assert not conclude(verdict, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "reading" in line] == [f"  reading {number}" for number in range(10)]
    assert lines[-1] == "faults=4 accepted=9 stored=8 rejected=2 lost=20 repeated=0"


def test_a_wrong_aggregate_alone_is_a_failure() -> None:
    verdict = Verdict()
    assert conclude(verdict, as_json=True)
    verdict.findings.add("aggregate", ["area_1d of north"])
    assert verdict.line.endswith("lost=0 repeated=0")
    assert not conclude(verdict, as_json=True)
