"""Hundreds of e-mails, a process that is killed, a database that goes away."""

import asyncio
import signal
import sys
from collections import Counter

import psycopg

from alerting.delivery import Delivery
from alerting.delivery.pace import Pace
from schema.alerting.routing import Channel
from tests.alerting.mail import mail_server
from tests.alerting.outbox import found, lead, log_of, message, settings, webhook, write
from tests.alerting.receiver import Answering, Request, receiving
from tests.waiting import until, until_query

PROCESS = """
import asyncio, sys
from alerting.delivery import Delivery
from urbanclear.settings import Settings
settings = Settings.model_validate({"alert_private_networks": ("127.0.0.0/8",)})
asyncio.run(Delivery(sys.argv[1], settings, epoch=int(sys.argv[2])).run(asyncio.Event()))
"""


async def test_hundreds_of_mails_over_a_few_connections_each_once(database_url: str) -> None:
    receivers = [f"user{number}@city.example" for number in range(500)]
    keys = write(database_url, message(), [Channel(kind="email", to=receiver) for receiver in receivers])
    async with mail_server() as server:
        delivery = Delivery(
            database_url,
            settings(smtp_host="localhost", smtp_port=server.port, smtp_tls="none", smtp_from="a@city.example"),
        )
        assert await delivery.run_once() == 500
        await delivery.close()
    assert sorted(server.receivers) == sorted(receivers)
    assert {mail["Message-ID"] for mail in server.mails} == {f"<{key}@city.example>" for key in keys}
    assert len(server.sessions) <= 12
    assert {row["state"] for row in found(database_url).values()} == {"delivered"}
    assert len(log_of(database_url)) == 500


async def test_who_is_killed_between_sending_and_noting_sends_again_with_the_same_key(
    database_url: str,
) -> None:
    async with receiving() as receiver:
        [key] = write(database_url, message(), [webhook(receiver.url)])
        lead(database_url, 1)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, database_url, "1")

        def taken(request: Request) -> Answering:
            process.send_signal(signal.SIGKILL)
            return Answering()

        receiver.answer = taken
        await process.wait()
        assert receiver.keys == [key]
        assert found(database_url)[key]["state"] == "waiting"

        receiver.answer = lambda request: Answering()
        lead(database_url, 2)
        following = Delivery(database_url, settings(), epoch=2)
        assert await following.run_once() == 1
        await following.close()
        assert receiver.keys == [key, key]
        assert found(database_url)[key]["state"] == "delivered"


async def test_the_database_away_is_waited_for_and_what_was_sent_is_not_sent_again(database_url: str) -> None:
    async with receiving() as receiver:
        [key] = write(database_url, message(), [webhook(receiver.url)])

        def cut(request: Request) -> Answering:
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'urbanclear'"
                )
            return Answering()

        receiver.answer = cut
        stop = asyncio.Event()
        running = asyncio.create_task(Delivery(database_url, settings(), pace=Pace(look_s=0.05)).run(stop))
        await until_query(database_url, "SELECT state FROM notifications", "delivered")
        stop.set()
        await running
        assert receiver.keys == [key]


async def test_two_at_once_deliver_each_once(database_url: str) -> None:
    async with receiving() as receiver:
        keys = write(database_url, message(), [webhook(f"{receiver.url}/{number}") for number in range(200)])
        stop = asyncio.Event()
        both = [asyncio.create_task(Delivery(database_url, settings()).run(stop)) for _ in range(2)]
        await until_query(database_url, "SELECT count(*) FROM notifications WHERE state = 'delivered'", 200)
        stop.set()
        await asyncio.gather(*both)
        assert Counter(receiver.keys) == Counter(keys)


async def test_who_is_stopped_gives_back_what_hangs(database_url: str) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda request: Answering(hangs=True)
        write(database_url, message(), [webhook(receiver.url)] * 20)
        stop = asyncio.Event()
        running = asyncio.create_task(Delivery(database_url, settings(), pace=Pace(grace_s=0.1)).run(stop))

        async def some_hang() -> bool:
            return len(receiver.requests) == 4

        await until(some_hang)
        stop.set()
        async with asyncio.timeout(5):
            await running
    rows = found(database_url).values()
    assert [row["attempts"] for row in rows] == [0] * 20
    await until_query(database_url, "SELECT count(*) FROM notifications WHERE next_at <= now()", 20)
