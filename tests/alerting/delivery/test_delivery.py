"""From the outbox to receivers that answer, fail, hang and come back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import psycopg
import pytest

from alerting.channels.contract import Outgoing, Preview, Sender
from alerting.channels.webhook.sender import Webhook
from alerting.delivery import Delivery
from alerting.delivery.pace import Pace
from alerting.guard import Addresses, Gate
from schema.alerting.routing import Channel
from schema.alerting.words import Priority
from tests.alerting.outbox import (
    LOOPBACK,
    alert_row,
    found,
    lead,
    log_of,
    make_due,
    message,
    settings,
    told,
    webhook,
    write,
)
from tests.alerting.receiver import Answering, Receiver, receiving
from tests.waiting import until, until_query
from urbanclear.errors import LeadershipLost

QUICK = Pace(first_wait_s=0.05, longest_wait_s=0.2, look_s=0.05, pause_s=0.2, grace_s=0.2)
SLOW = Pace(first_wait_s=600, look_s=0.05, grace_s=0.2)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


async def once(database_url: str, pace: Pace = SLOW, **fields: object) -> int:
    delivery = Delivery(database_url, settings(**fields), pace=pace)
    try:
        return await delivery.run_once()
    finally:
        await delivery.close()


async def test_what_is_due_is_delivered_once_and_noted_with_its_attempt(
    database_url: str, receiver: Receiver
) -> None:
    [key] = write(database_url, message(), [webhook(receiver.url)])
    assert await once(database_url) == 1
    assert await once(database_url) == 0
    assert receiver.keys == [key]
    row = found(database_url)[key]
    assert (row["state"], row["attempts"], row["error"]) == ("delivered", 1, None)
    [logged] = log_of(database_url)
    assert (logged["id"], logged["outcome"], logged["channel"], logged["alert_id"]) == (
        key,
        "delivered",
        "webhook",
        "a1",
    )
    assert logged["recipient"] == receiver.url


async def test_what_is_not_due_waits(database_url: str, receiver: Receiver) -> None:
    write(database_url, message(), [webhook(receiver.url)], wait=timedelta(hours=1))
    assert await once(database_url) == 0
    assert receiver.requests == []


async def test_a_failure_is_tried_again_later_with_the_same_key(database_url: str, receiver: Receiver) -> None:
    tries = count(1)
    receiver.answer = lambda request: Answering(500 if next(tries) < 3 else 200)
    [key] = write(database_url, message(), [webhook(receiver.url)])
    stop = asyncio.Event()
    running = asyncio.create_task(Delivery(database_url, settings(), pace=QUICK).run(stop))
    await until_query(database_url, "SELECT state FROM notifications", "delivered")
    stop.set()
    await running
    assert receiver.keys == [key] * 3
    assert [row["outcome"] for row in log_of(database_url)] == ["failed", "failed", "delivered"]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 422])
async def test_a_refusal_is_given_up_at_once(database_url: str, receiver: Receiver, status: int) -> None:
    receiver.answer = lambda request: Answering(status, {"Location": "/other"}, b"no such hook")
    [key] = write(database_url, message(), [webhook(receiver.url)])
    await once(database_url)
    row = found(database_url)[key]
    assert row["state"] == "given_up"
    assert str(status) in row["error"]
    assert [row["outcome"] for row in log_of(database_url)] == ["given up"]
    assert len(receiver.requests) == 1


async def test_what_a_receiver_asks_for_is_waited(database_url: str, receiver: Receiver) -> None:
    receiver.answer = lambda request: Answering(429, {"Retry-After": "1800"})
    write(database_url, message(), [webhook(receiver.url)])
    await once(database_url)
    await until_query(
        database_url, "SELECT next_at BETWEEN now() + '29 minutes' AND now() + '31 minutes' FROM notifications", True
    )


async def test_after_so_many_tries_it_is_given_up(database_url: str, receiver: Receiver) -> None:
    receiver.answer = lambda request: Answering(503)
    [key] = write(database_url, message(), [webhook(receiver.url)])
    pace = Pace(tries=3, first_wait_s=600)
    for _ in range(4):
        await once(database_url, pace)
        make_due(database_url)
    assert receiver.keys == [key] * 3
    assert [row["outcome"] for row in log_of(database_url)] == ["failed", "failed", "given up"]


async def test_one_that_hangs_does_not_hold_up_the_others(database_url: str, receiver: Receiver) -> None:
    async with receiving() as hanging:
        hanging.answer = lambda request: Answering(hangs=True)
        write(database_url, message("stuck"), [webhook(hanging.url)] * 200)
        others = write(database_url, message("well"), [webhook(receiver.url)] * 200)
        stop = asyncio.Event()
        running = asyncio.create_task(Delivery(database_url, settings(), pace=QUICK).run(stop))
        await until_query(database_url, "SELECT count(*) FROM notifications WHERE state = 'delivered'", 200)
        stop.set()
        await running
        assert sorted(receiver.keys) == sorted(others)
        assert hanging.most_at_once <= 4
    await until_query(
        database_url, "SELECT count(*) FROM notifications WHERE state = 'waiting' AND next_at <= now() + '1 s'", 200
    )


async def test_one_that_keeps_failing_is_left_alone_and_tried_with_one(database_url: str, receiver: Receiver) -> None:
    receiver.answer = lambda request: Answering(500)
    write(database_url, message(), [webhook(receiver.url)] * 30)
    stop = asyncio.Event()
    pace = Pace(first_wait_s=0.05, longest_wait_s=0.3, look_s=0.05, pause_s=0.3, failures=5, tries=1_000, grace_s=0.2)
    running = asyncio.create_task(Delivery(database_url, settings(), pace=pace).run(stop))

    async def all_deferred() -> bool:
        return all(row["attempts"] for row in found(database_url).values())

    await until(all_deferred)
    assert len(receiver.requests) < 20
    receiver.answer = lambda request: Answering()
    await until_query(database_url, "SELECT count(*) FROM notifications WHERE state = 'delivered'", 30)
    stop.set()
    await running


async def test_no_more_than_the_rate_allows_are_sent(database_url: str, receiver: Receiver) -> None:
    write(database_url, message(), [webhook(f"{receiver.url}/{number}") for number in range(9)])
    delivery = Delivery(database_url, settings(alert_rate_webhook="4/hour"))
    assert await delivery.run_once() == 4
    assert await delivery.run_once() == 0
    await delivery.close()
    assert len(receiver.requests) == 4
    assert [row["attempts"] for row in found(database_url).values()].count(0) == 5


async def test_the_most_urgent_is_first(database_url: str, receiver: Receiver) -> None:
    write(database_url, message("low", told(priority=Priority.LOW)), [webhook(receiver.url)] * 20)
    [urgent] = write(database_url, message("now", told(priority=Priority.CRITICAL)), [webhook(receiver.url)])
    await once(database_url, alert_rate_webhook="5/hour")
    assert urgent in receiver.keys


async def test_who_does_not_lead_any_more_neither_takes_nor_notes(database_url: str, receiver: Receiver) -> None:
    [key] = write(database_url, message(), [webhook(receiver.url)])
    lead(database_url, 7)
    stale = Delivery(database_url, settings(), epoch=6)
    with pytest.raises(LeadershipLost):
        await stale.run_once()
    await stale.close()
    assert receiver.requests == []

    overtaken = Delivery(database_url, settings(), epoch=7)
    receiver.answer = lambda request: lead(database_url, 8) or Answering()  # type: ignore[func-returns-value]
    with pytest.raises(LeadershipLost):
        await overtaken.run_once()
    await overtaken.close()
    assert found(database_url)[key]["state"] == "waiting"

    receiver.answer = lambda request: Answering()
    following = Delivery(database_url, settings(), epoch=8)
    assert await following.run_once() == 1
    await following.close()
    assert receiver.keys == [key, key]


async def test_what_ends_an_alert_is_told_after_what_began_it(database_url: str, receiver: Receiver) -> None:
    write(database_url, message("begin"), [webhook(receiver.url)])
    await once(database_url)
    write(database_url, message("end", told(state="resolved")), [webhook(receiver.url), webhook(f"{receiver.url}/b")])
    await once(database_url)
    assert receiver.keys == ["begin-0", "end-0"]
    assert found(database_url)["end-1"]["state"] == "obsolete"


async def test_what_was_held_back_until_all_was_over_is_not_told(database_url: str, receiver: Receiver) -> None:
    alert_row(database_url, "a1", "resolved")
    alert_row(database_url, "a2", "firing")
    channel = [webhook(receiver.url)]
    write(database_url, message("over"), channel, age=timedelta(hours=8))
    write(database_url, message("half", told(), told("a2")), channel, age=timedelta(hours=8))
    write(database_url, message("just"), channel)
    await once(database_url)
    assert sorted(receiver.keys) == ["half-0", "just-0"]
    assert found(database_url)["over-0"]["state"] == "obsolete"
    assert [row["id"] for row in log_of(database_url)] != ["over-0"]


async def test_an_end_waits_for_a_beginning_that_is_tried_again(database_url: str, receiver: Receiver) -> None:
    tries = count(1)
    receiver.answer = lambda request: Answering(500 if next(tries) == 1 else 200)
    write(database_url, message("begin"), [webhook(receiver.url)])
    await once(database_url)
    write(database_url, message("end", told(state="resolved")), [webhook(receiver.url)])
    await once(database_url)
    assert receiver.keys == ["begin-0"]
    make_due(database_url)
    await once(database_url)
    make_due(database_url)
    await once(database_url)
    assert receiver.keys == ["begin-0", "begin-0", "end-0"]


async def test_what_cannot_be_read_is_given_up(database_url: str, receiver: Receiver) -> None:
    write(database_url, message(), [webhook(receiver.url)])
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alert_notices SET document = '{\"id\": 1}'")
    await once(database_url)
    assert [row["state"] for row in found(database_url).values()] == ["given_up"]


async def test_whatever_a_receiver_says_can_be_noted(database_url: str, receiver: Receiver) -> None:
    receiver.answer = lambda request: Answering(400, {}, b"no\x00\xff\r\n\x1b[31m\xed\xa0\x80" * 100)
    [key] = write(database_url, message(), [webhook(receiver.url)])
    await once(database_url)
    assert found(database_url)[key]["state"] == "given_up"


async def test_a_channel_that_fails_in_an_unforeseen_way_ends_no_other(database_url: str, receiver: Receiver) -> None:
    class Broken(Sender):
        async def send(self, outgoing: Outgoing) -> None:
            raise KeyError("\x00 what nobody thought of")

        async def preview(self, outgoing: Outgoing) -> Preview:
            raise NotImplementedError

    [broken] = write(database_url, message("broken"), [Channel(kind="email", to="a@b.example")])
    [well] = write(database_url, message("well"), [webhook(receiver.url)])
    gate = Gate(Addresses(LOOPBACK))
    delivery = Delivery(database_url, settings(), senders={"email": Broken(), "webhook": Webhook(gate)})
    assert await delivery.run_once() == 2
    await delivery.close()
    await gate.close()
    rows = found(database_url)
    assert (rows[well]["state"], rows[broken]["state"]) == ("delivered", "waiting")
    assert rows[broken]["error"] == "an error in Urbanclear: KeyError"
