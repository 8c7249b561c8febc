"""What a topic remembers, against a simple account of all that was put."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from api.live.cursor import decode_cursor, encode_cursor
from api.live.filters import Filter
from api.live.group import BREATH, MOST_EVENTS, Group
from api.live.items import IncidentItem, Item, Place, TrafficItem, slug
from api.live.messages import Message, snapshot_of
from api.live.topic import Change, Topic

START = datetime(2026, 3, 2, tzinfo=UTC)
PARTITIONS = 3


def item(sensor: int, second: int, speed: float = 50.0) -> TrafficItem:
    return TrafficItem(sensor=f"t:{sensor}", time=START + timedelta(seconds=second), speed_kmh=speed)


#: Kafka as a list: each entry a partition and the readings of one message, of sensors of that partition alone.
messages = st.lists(
    st.tuples(
        st.integers(0, PARTITIONS - 1),
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=3),
    ),
    max_size=40,
)


class Kafka:
    """Puts messages into a topic as the bridge does, and keeps its own account."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.offsets = dict.fromkeys(range(PARTITIONS), 0)
        self.accepted: list[tuple[int, int, str]] = []
        topic.start_at(self.offsets)

    def publish(self, partition: int, readings: list[tuple[int, int]]) -> None:
        offset = self.offsets[partition]
        for sensor, second in readings:
            told = item(sensor * PARTITIONS + partition, second)
            if self.topic.put(told, Place(), 0.0, partition, offset):
                self.accepted.append((partition, offset, f"{told.sensor} {told.time}"))
        self.offsets[partition] = offset + 1
        self.topic.moved(partition, offset + 1)


def said(changes: list[Change]) -> list[str]:
    return [f"{change.item.sensor} {change.item.time}" for change in changes]  # type: ignore[attr-defined]


@given(messages, messages)
def test_who_comes_back_is_told_exactly_what_was_missed(before: Any, after: Any) -> None:
    kafka = Kafka(Topic("traffic", is_state=True))
    for message in before:
        kafka.publish(*message)
    cursor, known = decode_cursor("traffic", kafka.topic.cursor), len(kafka.accepted)
    for message in after:
        kafka.publish(*message)
    missed = kafka.topic.missed(cursor)
    assert missed is not None
    assert said(missed) == [told for _, _, told in kafka.accepted[known:]]


@given(messages, messages)
def test_a_cursor_is_good_in_another_process_that_read_its_partitions_in_another_order(
    before: Any, after: Any
) -> None:
    here, there = Kafka(Topic("traffic", is_state=True)), Kafka(Topic("traffic", is_state=True))
    for message in before:
        here.publish(*message)
    for message in sorted([*before, *after], key=lambda message: -message[0]):
        there.publish(*message)
    missed = there.topic.missed(decode_cursor("traffic", here.topic.cursor))
    assert missed is not None
    told = {told for _, _, told in here.accepted} | set(said(missed))
    assert told == {told for _, _, told in there.accepted}


@given(messages, st.integers(1, 5))
def test_a_log_that_has_forgotten_says_so_rather_than_leave_a_gap(sent: Any, most: int) -> None:
    kafka = Kafka(Topic("traffic", is_state=True, most_logged=most))
    cursors = [(kafka.topic.cursor, 0)]
    for message in sent:
        kafka.publish(*message)
        cursors.append((kafka.topic.cursor, len(kafka.accepted)))
    for cursor, known in cursors:
        missed = kafka.topic.missed(decode_cursor("traffic", cursor))
        assert missed is None or said(missed) == [told for _, _, told in kafka.accepted[known:]]
    assert kafka.topic.missed(decode_cursor("traffic", kafka.topic.cursor)) == []


@given(messages)
def test_the_state_is_the_newest_of_each_sensor(sent: Any) -> None:
    kafka = Kafka(Topic("traffic", is_state=True))
    newest: dict[str, datetime] = {}
    for partition, readings in sent:
        kafka.publish(partition, readings)
        for sensor, second in readings:
            told = item(sensor * PARTITIONS + partition, second)
            newest[told.sensor] = max(newest.get(told.sensor, told.time), told.time)
    assert {key: change.item.time for key, change in kafka.topic.items.items()} == newest  # type: ignore[attr-defined]
    numbers = [change.seq for change in kafka.topic.items.values()]
    assert numbers == sorted(numbers)


@given(st.text(max_size=80))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        decode_cursor("traffic", text)


def test_a_cursor_of_another_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="of alerts, not of traffic"):
        decode_cursor("traffic", encode_cursor("alerts", {0: 1}))


def test_a_filter_wants_what_is_in_its_areas_sensors_and_box() -> None:
    change = Change(1, "k", item(1, 0), Place((slug("Staten Island"),), -74.1, 40.6, ("t:1",)), 0, 0, 0.0)
    assert change in Filter.of()
    assert change in Filter.of(areas=["staten-island"])
    assert change in Filter.of(areas=["STATEN ISLAND", "queens"], sensors=["t:1"])
    assert change in Filter.of(bbox=(-75, 40, -74, 41))
    assert change not in Filter.of(areas=["queens"])
    assert change not in Filter.of(areas=["staten-island"], sensors=["t:2"])
    assert change not in Filter.of(bbox=(-74, 40, -73, 41))
    nowhere = Change(1, "k", item(1, 0), Place(), 0, 0, 0.0)
    assert nowhere not in Filter.of(bbox=(-180, -90, 180, 90))


class Reader:
    """A client that reads, or does not."""

    def __init__(self) -> None:
        self.reads = True
        self.heard: list[dict[str, Any]] = []
        self.is_cut = False

    def is_ready(self) -> bool:
        return self.reads

    def write(self, message: Message) -> None:
        self.heard.append(msgspec.json.decode(message.text))

    def cut(self) -> None:
        self.is_cut = True

    def state(self) -> dict[str, dict[str, Any]]:
        """What it knows by now, each update laid over what was known."""
        known: dict[str, dict[str, Any]] = {}
        for message in self.heard:
            for told in message["items"]:
                known.setdefault(told["sensor"], {}).update(told)
        return known


def put(topic: Topic, told: Item) -> None:
    """As one message of Kafka."""
    offset = topic.position.get(0, 0)
    topic.put(told, Place(), 0.0, 0, offset)
    topic.moved(0, offset + 1)


async def settled(group: Group) -> None:
    while not group.is_settled:  # noqa: ASYNC110 - to let it run is all that it needs
        await asyncio.sleep(0)


@given(messages, st.sampled_from([True, False]), st.data())
def test_slow_and_quick_clients_end_up_with_the_same_state(sent: Any, delta: bool, data: st.DataObject) -> None:
    async def scenario() -> None:
        kafka = Kafka(Topic("traffic", is_state=True))
        group = Group(kafka.topic, Filter(), 0.0, delta=delta)
        quick, slow = Reader(), Reader()
        for reader in (quick, slow):
            group.join(reader, kafka.topic.seq)
        for message in sent:
            kafka.publish(*message)
            slow.reads = data.draw(st.booleans())
            group.wake()
            for _ in range(data.draw(st.integers(0, 4))):
                await asyncio.sleep(0)
        slow.reads = True
        group.wake()
        await settled(group)
        expected = {change.key: msgspec.json.decode(change.encoded) for change in kafka.topic.items.values()}
        assert quick.state() == expected
        assert slow.state() == expected
        assert len(slow.heard) <= len(quick.heard) + 1

    asyncio.run(scenario())


async def test_who_comes_or_does_not_read_makes_nobody_wait() -> None:
    topic = Topic("traffic", is_state=True)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 2.0, delta=False)
    quick, slow = Reader(), Reader()
    group.join(quick, topic.seq)
    await settled(group)
    slow.reads = False
    for second, joins in enumerate((True, False)):
        if joins:
            group.join(slow, topic.seq)
        await asyncio.sleep(2.1)  # an interval and more since the last change: the next is told at once
        began = time.monotonic()
        put(topic, item(1, second))
        group.wake()
        await until_heard(quick, second + 1)
        assert time.monotonic() - began < 1
    group.leave(slow)


def test_many_who_come_at_once_are_all_told_on_the_loop_that_serves_the_api() -> None:
    async def scenario() -> None:
        topic = Topic("traffic", is_state=True)
        topic.start_at({0: 0})
        group = Group(topic, Filter(), 0.0, delta=False)
        readers = [Reader() for _ in range(3)]
        for reader in readers:
            group.join(reader, topic.seq)
        put(topic, item(1, 0))
        group.wake()
        await until_heard(readers[-1], 1)
        assert all(len(reader.heard) == 1 for reader in readers)

    uvloop.run(scenario())


async def until_heard(reader: Reader, count: int) -> None:
    async with asyncio.timeout(5):
        while len(reader.heard) < count:  # noqa: ASYNC110 - to let it run is all that it needs
            await asyncio.sleep(0)


def incident(number: int) -> IncidentItem:
    time = START + timedelta(seconds=number)
    return IncidentItem(id=f"i{number}", time=time, status="reported", kind="other", severity="low", started_at=time)


async def test_events_are_all_told_up_to_a_bound_and_then_it_is_said_how_many_were_dropped() -> None:
    topic = Topic("incidents", is_state=False)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 0.0, delta=False)
    reader = Reader()
    group.join(reader, topic.seq)
    await settled(group)

    def publish(count: int) -> None:
        for _ in range(count):
            topic.put(incident(topic.seq), Place(), 0.0, 0, topic.seq)
            topic.moved(0, topic.seq)

    async def stall(events: int) -> dict[str, Any]:
        reader.reads = False
        group.wake()
        publish(events)
        group.wake()
        for _ in range(10):
            await asyncio.sleep(0)
        reader.reads = True
        await settled(group)
        return reader.heard[-1]

    publish(1)
    told = await stall(MOST_EVENTS - 1)
    assert len(told["items"]) >= MOST_EVENTS - 1
    lagged = await stall(MOST_EVENTS + 1)
    assert (lagged["type"], lagged["dropped"], lagged["cursor"]) == ("lagged", MOST_EVENTS + 1, topic.cursor)
    publish(1)
    group.wake()
    await settled(group)
    assert [told["id"] for told in reader.heard[-1]["items"]] == [f"i{2 * MOST_EVENTS + 1}"]


async def test_a_client_of_deltas_that_lagged_is_given_the_state_to_lay_them_over() -> None:
    topic = Topic("incidents", is_state=False)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 0.0, delta=True)
    slow = Reader()
    group.join(slow, topic.seq)
    first = msgspec.structs.replace(incident(0), id="x")
    put(topic, first)
    await settled(group)
    slow.reads = False
    put(topic, worse := msgspec.structs.replace(first, time=START + timedelta(seconds=1), severity="high"))
    for number in range(MOST_EVENTS):
        put(topic, incident(number))
    group.wake()
    for _ in range(10):
        await asyncio.sleep(0)
    slow.reads = True
    await settled(group)
    put(topic, msgspec.structs.replace(worse, time=START + timedelta(seconds=2), description="two cars"))
    group.wake()
    await settled(group)
    assert [message["type"] for message in slow.heard[-3:]] == ["lagged", "snapshot", "update"]
    known: dict[str, dict[str, Any]] = {}
    for message in slow.heard:
        for told in message.get("items", []):
            known.setdefault(told["id"], {}).update(told)
    assert (known["x"]["severity"], known["x"]["description"]) == ("high", "two cars")


async def test_what_was_forgotten_and_comes_again_is_told_whole_to_clients_of_deltas() -> None:
    topic = Topic("traffic", is_state=True, most_items=1)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 0.0, delta=True)
    reader = Reader()
    group.join(reader, topic.seq)
    for told in (item(1, 0), item(2, 0), item(1, 1)):  # the second makes the topic forget the first
        put(topic, told)
        group.wake()
        await settled(group)
    assert reader.heard[-1]["items"][0]["speed_kmh"] == 50


async def test_what_changes_while_others_are_caught_up_is_not_lost_to_clients_of_deltas() -> None:
    topic = Topic("traffic", is_state=True)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 0.0, delta=True)
    crowd = [Reader() for _ in range(BREATH + 1)]
    for reader in crowd:
        group.join(reader, topic.seq)
    await settled(group)
    late = Reader()
    late.reads = False
    group.join(late, topic.seq)
    put(topic, item(1, 0))
    late.reads = True
    group.wake()
    while not crowd[0].heard:  # noqa: ASYNC110 - to let it run is all that it needs
        await asyncio.sleep(0)
    put(topic, item(1, 1))  # between the crowd's message and the late one's
    group.wake()
    await settled(group)
    assert late.state() == crowd[0].state()
    assert late.state()["t:1"]["speed_kmh"] == 50


async def test_a_topic_that_began_anew_is_told_anew_to_all() -> None:
    topic = Topic("incidents", is_state=False)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 0.0, delta=False)
    quick, slow = Reader(), Reader()
    for reader in (quick, slow):
        group.join(reader, topic.seq)
    await settled(group)
    slow.reads = False
    topic.put(incident(1), Place(), 0.0)  # from the database
    group.renew()
    for _ in range(10):
        await asyncio.sleep(0)
    slow.reads = True
    await settled(group)
    for reader in (quick, slow):
        assert [message["type"] for message in reader.heard] == ["snapshot"]
        assert [told["id"] for told in reader.heard[0]["items"]] == ["i1"]


def test_a_snapshot_leaves_out_what_ended_long_ago() -> None:
    topic = Topic("incidents", is_state=False)
    topic.start_at({0: 0})
    for number, status in ((0, "cleared"), (1, "reported"), (3_600, "cleared"), (3_602, "reported")):
        put(topic, msgspec.structs.replace(incident(number), status=status))
    told = msgspec.json.decode(snapshot_of(topic, Filter()).text)
    assert [found["id"] for found in told["items"]] == ["i1", "i3600", "i3602"]


def test_what_lasts_is_forgotten_after_what_has_ended() -> None:
    topic = Topic("incidents", is_state=False, most_items=2)
    topic.start_at({0: 0})
    for number, status in ((0, "reported"), (1, "cleared"), (2, "reported")):
        put(topic, msgspec.structs.replace(incident(number), status=status))
    assert list(topic.items) == ["i0", "i2"]


def test_a_snapshot_is_encoded_once_for_all_who_want_the_same() -> None:
    topic = Topic("traffic", is_state=True)
    topic.start_at({0: 0})
    put(topic, item(1, 0))
    one = snapshot_of(topic, Filter())
    assert snapshot_of(topic, Filter.of()) is one
    assert snapshot_of(topic, Filter.of(sensors=["t:2"])) is not one
    put(topic, item(1, 1))
    assert snapshot_of(topic, Filter()) is not one


def test_who_comes_back_ends_with_the_newest_where_the_database_knew_more_than_the_log() -> None:
    topic = Topic("traffic", is_state=True)
    topic.start_at({0: 5})
    put(topic, item(1, 9))  # late: what came before it, and is newer, is older than the log
    topic.put(item(1, 10), Place(), 0.0)
    missed = topic.missed({0: 5})
    assert missed is not None
    assert said(missed)[-1] == f"t:1 {item(1, 10).time}"


async def test_what_was_over_and_is_reported_anew_is_told_whole_to_clients_of_deltas() -> None:
    topic = Topic("incidents", is_state=False)
    topic.start_at({0: 0})
    group = Group(topic, Filter(), 0.0, delta=True)
    early, late = Reader(), Reader()
    group.join(early, topic.seq)
    for second, status in ((0, "reported"), (1, "cleared")):
        put(topic, msgspec.structs.replace(incident(second), id="x", status=status))
        group.wake()
        await settled(group)
    put(topic, incident(7_200))
    assert [change.key for change in topic.snapshot()] == ["i7200"]
    group.join(late, topic.seq)
    await settled(group)
    put(topic, msgspec.structs.replace(incident(7_201), id="x"))
    group.wake()
    await settled(group)
    assert late.heard[-1]["items"][-1]["kind"] == "other"
