"""What a topic remembers, against a simple account of all that was put."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live.cursor import decode_cursor, encode_cursor
from api.live.filters import Filter
from api.live.group import MOST_EVENTS, Group
from api.live.items import IncidentItem, Place, TrafficItem, slug
from api.live.messages import Message
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
    change = Change(1, "k", item(1, 0), Place(slug("Staten Island"), -74.1, 40.6, ("t:1",)), 0, 0, 0.0)
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


async def settled(group: Group) -> None:
    while group._ticking is not None:  # noqa: ASYNC110 - to let it run is all that it needs
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
