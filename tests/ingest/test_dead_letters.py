"""Dead letters can be seen, and sent again exactly once, whoever else does the same."""

import asyncio
import json
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from ingest.cli import ingest as app
from ingest.letter_text import excerpt, plain, whole
from ingest.retrying import MOST_IN_TRANSACTION, open_retrying
from ingest.sources.replay import ReplaySource
from schema import topics
from schema.dead_letters import Letter, LetterId, Wanted, newest, parse_id
from schema.events import Reading, decode_readings, encode, encode_readings
from schema.publisher import open_publisher
from schema.topic_reader import open_reader
from tests.ingest.running import running_consumer
from tests.waiting import fetch_one, until, until_query
from urbanclear.errors import ConfigurationError, RetryFenced, UrbanclearError
from urbanclear.settings import Settings, get_settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOO_FAST = b'{"sensor":"test:1","time":"2026-03-02T12:00:00Z","speed_kmh":900}'
CORRECTED = b'{"sensor":"test:1","time":"2026-03-02T12:00:00Z","speed_kmh":90}'
ONLY_PLAIN = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


@pytest.fixture(autouse=True)
def settings_read_anew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if "kafka_bootstrap" in request.fixturenames:
        monkeypatch.setenv("URBANCLEAR_KAFKA_BOOTSTRAP", request.getfixturevalue("kafka_bootstrap"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


async def command(*arguments: str, answer: str | None = None) -> Result:
    """`urbanclear ingest dead-letters …`, in a thread, since it runs a loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["dead-letters", *arguments], input=answer)
    if isinstance(done.exception, UrbanclearError):
        raise done.exception
    return done


async def listed(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await command("list", "--json", *arguments)).stdout)
    return found


async def put(bootstrap: str, *letters: tuple[str, str, bytes]) -> list[LetterId]:
    """Make letters of these reasons, origins and values."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    sent = []
    try:
        for reason, origin, value in letters:
            headers = [("reason", reason.encode()), ("detail", b"why"), ("origin", origin.encode())]
            sent.append(await producer.send(topics.DEAD_LETTERS.name, value, headers=headers))
        return [LetterId(found.partition, found.offset) for found in await asyncio.gather(*sent)]
    finally:
        await producer.stop()


def reading(number: int) -> bytes:
    return encode(Reading(sensor=f"test:{number % 7}", time=NOON + timedelta(minutes=number), speed_kmh=50))


async def published(bootstrap: str) -> list[Reading]:
    """All readings in Kafka that are not undone, each partition's in order."""
    async with open_reader(bootstrap, topics.READINGS.name) as reader:
        return [one async for record in reader.records() for one in decode_readings(record.value or b"")]


async def open_count(bootstrap: str) -> int:
    async with open_reader(bootstrap, topics.DEAD_LETTERS.name) as reader:
        return (await newest(reader, Wanted(), 1)).reasons.total()


@ONLY_PLAIN
async def test_a_rejected_reading_is_listed_shown_corrected_and_stored_exactly_once(
    kafka_bootstrap: str, database_url: str
) -> None:
    settings = Settings.model_validate(
        {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "ingest_group": uuid.uuid4().hex}
    )
    good = Reading(sensor="test:2", time=NOON, speed_kmh=40)
    async with running_consumer(settings):
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        await producer.start()
        batch = b"[" + encode(good) + b"," + TOO_FAST + b"]"
        await producer.send_and_wait(topics.READINGS.name, batch, partition=0)
        await producer.stop()
        await until_query(database_url, "SELECT count(*) FROM readings", 1)

        async def rejected() -> bool:
            return await open_count(kafka_bootstrap) == 1

        await until(rejected)
        [letter] = (await listed())["letters"]
        assert (letter["reason"], letter["begins"]) == ("invalid", TOO_FAST.decode())
        assert letter["origin"].startswith("traffic.readings/0/")
        assert letter["origin"].endswith("/1")
        shown = (await command("show", letter["id"])).stdout
        assert '"speed_kmh": 900' in shown
        assert "reason:  invalid" in shown
        with pytest.raises(ConfigurationError, match="would be rejected again"):
            await command("retry", letter["id"], "--value", TOO_FAST.decode())
        done = await command("retry", letter["id"], "--value", CORRECTED.decode())
        assert done.stdout == f"{letter['id']} went to traffic.readings\n"
        await until_query(database_url, "SELECT count(*) FROM readings WHERE speed_kmh = 90", 1)
        assert await open_count(kafka_bootstrap) == 0
        with pytest.raises(ConfigurationError, match="was retried already"):
            await command("retry", letter["id"])
        assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 2


async def test_one_that_is_retried_as_it_is_and_rejected_again_is_a_new_letter(kafka_bootstrap: str) -> None:
    [number] = map(str, await put(kafka_bootstrap, ("invalid", "traffic.readings/3/5", TOO_FAST)))
    told = (await command("retry", number, "--dry-run")).stdout
    assert told.startswith(f"{number} would go to traffic.readings; it will be rejected again: invalid:")
    assert await open_count(kafka_bootstrap) == 1, "a dry run closes nothing"
    await command("retry", number)
    assert await open_count(kafka_bootstrap) == 0
    assert (await listed("--all"))["total"] == 1
    await put(kafka_bootstrap, ("invalid", "traffic.readings/3/6", TOO_FAST))
    assert (await listed())["total"] == 1


async def test_many_are_retried_each_once_on_the_partition_of_its_sensor(kafka_bootstrap: str) -> None:
    count = MOST_IN_TRANSACTION + 100
    async with open_publisher(kafka_bootstrap) as publisher:
        for number in range(7):
            await publisher.publish(Reading(sensor=f"test:{number}", time=NOON - timedelta(days=1), speed_kmh=1))
    await put(
        kafka_bootstrap,
        *[("future_time", f"traffic.readings/0/{number}", reading(number)) for number in range(count)],
        ("invalid", "traffic.readings/0/1", TOO_FAST),
        ("bad_time", "feed.csv:12", b"1,2,3"),
    )
    assert (await command("retry", "--reason", "future_time", "--dry-run")).stdout.startswith(f"{count} open")
    done = await command("retry", "--reason", "future_time", "--topic", "traffic.readings", "--since", "1h")
    assert done.stdout == f"{count} dead letters were sent again\n"
    stored = await published(kafka_bootstrap)
    for sensor in range(7):
        times = [one.time for one in stored if one.sensor == f"test:{sensor}"]
        assert times == sorted(times), "the sensor's readings are on two partitions or out of order"
    assert len(stored) == count + 7
    assert (await command("retry", "--reason", "future_time")).stdout == "0 open dead letters, none to retry\n"
    left = await listed()
    assert left["reasons"] == {"invalid": 1, "bad_time": 1}


async def test_before_all_are_retried_there_is_a_question(kafka_bootstrap: str) -> None:
    await put(kafka_bootstrap, ("too_old", "traffic.readings/0/0", reading(1)), ("bad_time", "feed.csv:12", b"1,2,3"))
    refused = await command("retry", "--all", answer="n\n")
    assert refused.exit_code == 1
    assert "Retry 2 open dead letters?" in refused.stdout
    assert await open_count(kafka_bootstrap) == 2
    done = await command("retry", "--all", "--yes")
    assert done.stdout.splitlines() == [
        "1 dead letters were sent again",
        "1 came from no topic: mend them at their source",
    ]


async def test_of_two_retries_at_once_the_earlier_is_fenced_off_and_nothing_is_sent_twice(
    kafka_bootstrap: str,
) -> None:
    ids = await put(kafka_bootstrap, *[("too_old", f"traffic.readings/0/{n}", reading(n)) for n in range(20)])
    async with open_retrying(kafka_bootstrap) as slow:
        chosen = await slow.chosen(ids)
        async with open_retrying(kafka_bootstrap) as quick:
            report = await quick.send_all(Wanted(), lambda done: None)
            with pytest.raises(RetryFenced, match="Another retry of dead letters began and stopped this one"):
                await slow.send(chosen)
    assert report.sent == 20
    assert len(await published(kafka_bootstrap)) == 20


HALF_SENT = """
import asyncio, sys
from ingest.retrying import TRANSACTIONAL_ID
from ingest.transactions import take

async def half():
    producer = await take(sys.argv[1], TRANSACTIONAL_ID)
    await producer.begin_transaction()
    await producer.send_and_wait("traffic.readings", sys.argv[2].encode())
    print("sent", flush=True)
    await asyncio.Event().wait()

asyncio.run(half())
"""


async def test_what_a_retry_that_was_killed_left_half_sent_is_undone(kafka_bootstrap: str) -> None:
    await put(kafka_bootstrap, ("too_old", "traffic.readings/0/0", reading(1)))
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HALF_SENT, kafka_bootstrap, reading(1).decode()), stdout=asyncio.subprocess.PIPE
    )
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"sent\n"
    killed.kill()
    await killed.communicate()
    async with open_retrying(kafka_bootstrap) as retrying:
        assert (await retrying.send_all(Wanted(), lambda done: None)).sent == 1
    assert len(await published(kafka_bootstrap)) == 1


async def test_a_batch_that_is_retried_goes_to_the_partitions_of_its_sensors(kafka_bootstrap: str) -> None:
    batch = [Reading(sensor=f"test:{number}", time=NOON, speed_kmh=number) for number in range(20)]
    ids = await put(kafka_bootstrap, ("too_old", "traffic.readings/0/0", encode_readings(batch)))
    async with open_retrying(kafka_bootstrap) as retrying:
        await retrying.send(await retrying.chosen(ids))
    assert sorted(await published(kafka_bootstrap), key=lambda one: one.speed_kmh or 0) == batch


async def test_a_letter_that_came_from_no_topic_or_is_not_there_is_told(kafka_bootstrap: str) -> None:
    [number] = await put(kafka_bootstrap, ("bad_time", "traffic.readings.csv:12", b"1,2,3"))
    with pytest.raises(ConfigurationError, match=rf"{number} is of traffic\.readings\.csv:12, which is no message"):
        await command("retry", str(number))
    for other in (f"0/{number.offset + 1}", "7/0"):
        with pytest.raises(ConfigurationError, match=f"There is no dead letter {other}"):
            await command("show", other)


async def test_the_list_is_newest_first_and_says_when_there_are_more(kafka_bootstrap: str) -> None:
    ids = await put(
        kafka_bootstrap,
        ("invalid", "traffic.readings/0/0", TOO_FAST),
        *[("too_old", f"traffic.incidents/0/{number}", b"\xff\x1b[31m") for number in range(4)],
    )
    found = await listed("--limit", "2")
    assert [letter["id"] for letter in found["letters"]] == [str(ids[4]), str(ids[3])]
    assert found["reasons"] == {"invalid": 1, "too_old": 4}
    text = (await command("list", "--limit", "2")).stdout
    assert "5 dead letters: too_old 4, invalid 1" in text
    assert "3 more: narrow them" in text
    assert "\x1b" not in text
    assert (await listed("--topic", "traffic.readings"))["total"] == 1
    assert (await listed("--reason", "too_old", "--since", "1h"))["total"] == 4
    assert (await command("show", str(ids[1]))).stdout.splitlines()[-1] == "ff 1b 5b 33 31 6d"
    assert json.loads((await command("show", str(ids[1]), "--json")).stdout)["value_hex"] == "ff1b5b33316d"


async def test_a_replayed_row_is_shown_with_what_is_wrong_with_it(kafka_bootstrap: str, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(
        b"sensor,time,speed_kmh\n"
        b"a7,2026-03-02T12:00:00Z,50\n"
        b"city:a7,2026-03-02T12:00:00Z,fast\n"
        b"city:m\xfcnchen,2026-03-02T12:00:00Z,50\n"
    )
    async with open_publisher(kafka_bootstrap) as publisher:
        await ReplaySource(path, speed=None).run(publisher, asyncio.Event())
    number = {letter["reason"]: letter["id"] for letter in (await listed())["letters"]}
    shown = {reason: (await command("show", number[reason])).stdout.splitlines() for reason in number}
    assert shown["bad_number"][3:] == [
        "detail:  'fast' is no number",
        "origin:  own.csv:3",
        "city:a7,2026-03-02T12:00:00Z,fast",
    ]
    assert "'a7' is no sensor's id: it must be SOURCE:NAME, such as city:a7" in shown["bad_sensor"][3]
    assert shown["undecodable"][3] == "detail:  the row is not UTF-8: save the file as UTF-8"


async def test_an_empty_topic_has_no_letters(kafka_bootstrap: str) -> None:
    assert (await command("list")).stdout == "0 dead letters\n"


async def test_thousands_of_letters_are_read_in_memory_for_those_shown(kafka_bootstrap: str) -> None:
    filler = b"x" * 2_000
    ids = await put(kafka_bootstrap, *[("undecodable", f"traffic.readings/0/{n}", filler) for n in range(5_000)])
    async with open_reader(kafka_bootstrap, topics.DEAD_LETTERS.name) as reader:
        listing = await newest(reader, Wanted(), 10)
    assert [letter.id for letter in listing.letters] == ids[:-11:-1]
    assert listing.reasons.total() == 5_000
    assert all(len(letter.value) < len(filler) for letter in listing.letters)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Say which letters to retry"),
        (("0/1", "--all"), "Say which letters to retry"),
        (("0/1", "--topic", "traffic.readings"), "leave --topic and --since out"),
        (("0/1", "0/2", "--value", "{}"), "goes with one id"),
        (("--all", "--value", "{}"), "goes with one id"),
        (("0-1",), "is no dead letter's id"),
        (("0/1", "--edit", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
async def test_what_does_not_say_which_letters_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        await command("retry", *arguments)


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**18 - 1))
def test_an_id_is_read_as_it_is_written(partition: int, offset: int) -> None:
    assert parse_id(str(LetterId(partition, offset))) == (partition, offset)


texts = st.sampled_from(["", "invalid", "too_old"])
letters = st.builds(
    Letter,
    id=st.builds(LetterId, st.integers(0, 3), st.integers(0, 99)),
    time=st.datetimes(datetime(2026, 1, 1), datetime(2026, 2, 1), timezones=st.just(UTC)),
    reason=texts,
    detail=st.just(""),
    origin=st.sampled_from(["", "traffic.readings/0/1", "traffic.weather/0/1/7", "feed.csv:2", "traffic.x/0/1"]),
    value=st.binary(max_size=9),
)


@given(letters, st.none() | texts, st.sampled_from([None, "traffic.readings", "traffic.weather"]), st.booleans())
def test_a_filter_lets_pass_what_fits_all_that_it_says(
    letter: Letter, reason: str | None, topic: str | None, late: bool
) -> None:
    since = letter.time + timedelta(seconds=1 if late else -1)
    passes = letter in Wanted(reason, topic, since)
    fits = reason in (None, letter.reason) and (topic is None or letter.origin.split("/")[0] == topic)
    assert passes == (fits and not late)


@given(st.binary(max_size=200))
def test_nothing_of_a_value_reaches_a_terminal_as_it_is(value: bytes) -> None:
    for text in (whole(value), excerpt(value)):
        assert all(character.isprintable() or character == "\n" for character in text)
    assert len(excerpt(value)) <= 60
    assert "\n" not in excerpt(value)


def test_json_is_shown_over_several_lines_and_escapes_are_plain() -> None:
    assert whole(b'{"a":1}') == '{\n  "a": 1\n}'
    assert plain("\x1b]0;x\x07\u202e") == "\\x1b]0;x\\x07\\u202e"
