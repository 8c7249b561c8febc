"""What live clients are told, through real Kafka, ingest and sockets."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from schema import topics
from schema.alerting.events import alert_event
from schema.events import Alert, Prediction, encode
from schema.publisher import Publisher
from tests.api.alerting import EMPTY, add_alerts, alert_row
from tests.api.conftest import LiveApi, running_api
from tests.api.live.listening import NOW, crash, items_until, listener, publish, reading, say, sensor, told
from tests.api.relay import Relay
from tests.ingest.running import running_consumer
from tests.waiting import until


def speeds(items: list[dict[str, Any]]) -> list[float]:
    return [item["speed_kmh"] for item in items]


async def test_a_subscriber_is_given_a_snapshot_and_then_each_change(live_api: LiveApi, feed: Publisher) -> None:
    await publish(feed, sensor("bridge"))
    async with listener(live_api, "traffic", "incidents", path="/wall-1") as socket:
        snapshots = [await told(socket), await told(socket)]
        assert {message["topic"]: message["type"] for message in snapshots} == {
            "traffic": "snapshot",
            "incidents": "snapshot",
        }
        await publish(feed, reading(30))
        update = await told(socket)
        assert (update["type"], update["topic"]) == ("update", "traffic")
        assert [(item["speed_kmh"], item["los"]) for item in update["items"]] == [(30, "D")]
        await publish(feed, crash())
        assert [item["id"] for item in (await told(socket))["items"]] == ["crash-0"]
    async with listener(live_api, "traffic") as late:
        assert speeds((await told(late))["items"]) == [30]


async def test_predictions_and_alerts_are_told(live_api: LiveApi, feed: Publisher) -> None:
    prediction = Prediction(
        sensor="test:bridge",
        made_at=NOW,
        target_time=NOW + timedelta(minutes=15),
        horizon_s=900,
        speed_kmh=24,
        model="m",
    )
    alert = Alert(id="a1", time=NOW, rule="slow", subject="test:bridge", state="firing", priority="high", summary="!")
    await publish(feed, sensor("bridge"))
    async with listener(live_api, "predictions", "alerts") as socket:
        await told(socket)
        await told(socket)
        await publish(feed, prediction)
        [expected] = (await told(socket))["items"]
        assert (expected["horizon_minutes"], expected["speed_kmh"], expected["los"]) == (15, 24, "E")
        await publish(feed, alert)
        assert [(item["id"], item["state"]) for item in (await told(socket))["items"]] == [("a1", "firing")]


async def test_an_incident_that_names_no_sensors_has_those_that_it_is_at(live_api: LiveApi, feed: Publisher) -> None:
    north, south = ({"road": "FDR Drive", "direction": word, "lat": 40.7, "lon": -73.97} for word in "NS")
    await publish(feed, sensor("north", **north), sensor("south", **south))
    async with listener(live_api, "incidents") as socket:
        await told(socket)
        await publish(feed, crash(road="FDR Dr", direction="S", lat=40.701, lon=-73.97))
        assert [item["sensors"] for item in (await told(socket))["items"]] == [["test:south"]]


async def test_alerts_that_are_open_are_told_from_the_database_and_then_by_revision(
    live_api: LiveApi, feed: Publisher, database_url: str
) -> None:
    rows = [alert_row("a1", revision=2), alert_row("old", state="resolved", resolved_at=NOW - timedelta(hours=2))]
    add_alerts(database_url, *rows)
    async with running_api(live_api.settings) as late, listener(late, "alerts") as socket:
        [known] = (await told(socket))["items"]
        assert (known["id"], known["areas"], known["value"], known["revision"]) == ("a1", ["Staten Island"], 12.5, 2)
        stale = alert_event({**EMPTY, **alert_row("a1", revision=1, state="pending")})
        taken = alert_event({**EMPTY, **alert_row("a1", revision=3, acknowledged_at=NOW, acknowledged_by="centre")})
        await publish(feed, stale, taken)
        [changed] = (await told(socket))["items"]
        assert (changed["state"], changed["acknowledged_by"], changed["revision"]) == ("firing", "centre", 3)


async def test_an_alert_is_told_to_who_wants_one_of_its_areas_or_sensors(live_api: LiveApi, feed: Publisher) -> None:
    await publish(feed, sensor("north", area="Bronx", lat=40.8, lon=-73.9))
    two = {"area": ["Bronx", "Queens"], "sensor": ["test:north", "test:south"]}
    filters: list[dict[str, Any]] = [
        {"areas": ["queens"]},
        {"sensors": ["test:south"]},
        {"bbox": [-74, 40.7, -73, 41]},
    ]
    for number, wanted in enumerate(filters):
        async with listener(live_api, "alerts", **wanted) as socket:
            await told(socket)
            elsewhere = alert_event({**EMPTY, **alert_row(f"no-{number}")})
            await publish(feed, elsewhere, alert_event({**EMPTY, **alert_row(f"yes-{number}", labels=two)}))
            assert [item["id"] for item in (await told(socket))["items"]] == [f"yes-{number}"]


async def test_predictions_that_came_in_one_message_are_told(live_api: LiveApi, feed: Publisher) -> None:
    predictions = [
        Prediction(
            sensor=f"test:s{number}",
            made_at=NOW,
            target_time=NOW + timedelta(minutes=minutes),
            horizon_s=60 * minutes,
            speed_kmh=number,
        )
        for number in range(20)
        for minutes in (15, 30)
    ]
    async with listener(live_api, "predictions") as socket:
        await told(socket)
        await feed.deliver(predictions, within_s=10)
        found: list[dict[str, Any]] = []
        while len(found) < len(predictions):
            found += (await told(socket))["items"]
    assert {(item["sensor"], item["horizon_minutes"], item["speed_kmh"]) for item in found} == {
        (one.sensor, one.horizon_s / 60, one.speed_kmh) for one in predictions
    }


async def test_only_what_the_filter_wants_is_told(live_api: LiveApi, feed: Publisher) -> None:
    await publish(
        feed,
        sensor("north", area="Staten Island", lat=40.8, lon=-73.9),
        sensor("south", area="Queens", lat=40.6, lon=-73.9),
    )
    wanted: list[dict[str, Any]] = [
        {"areas": ["staten-island"]},
        {"sensors": ["test:north"]},
        {"bbox": [-74, 40.7, -73, 41]},
    ]
    for number, fields in enumerate(wanted):
        async with listener(live_api, "traffic", **fields) as socket:
            await told(socket)
            await publish(feed, reading(20, "south", second=number), reading(30 + number, "north", second=number))
            assert [item["sensor"] for item in await items_until(socket, 30 + number)] == ["test:north"]
        async with listener(live_api, "traffic", **fields) as later:
            assert [item["sensor"] for item in (await told(later))["items"]] == ["test:north"]


async def test_who_comes_back_with_its_cursor_misses_nothing_and_hears_nothing_twice(
    live_api: LiveApi, feed: Publisher
) -> None:
    heard: list[float] = []
    cursor = None
    for visit in range(3):
        async with listener(live_api, "traffic", **({"since": cursor} if cursor else {})) as socket:
            first = await told(socket)
            assert first["type"] == ("snapshot" if visit == 0 else "update")
            heard += speeds(first["items"])
            await publish(feed, reading(10 + visit, second=10 * visit))
            while 10 + visit not in heard:
                message = await told(socket)
                heard += speeds(message["items"])
                cursor = message["cursor"]
        away = [reading(50 + 10 * visit + n, f"s{n}", second=10 * visit + 1 + n) for n in range(3)]
        await publish(feed, *away)
    expected = [float(speed) for v in range(3) for speed in (10 + v, 50 + 10 * v, 51 + 10 * v, 52 + 10 * v)]
    async with listener(live_api, "traffic", since=cursor) as socket:
        while len(heard) < len(expected):
            heard += speeds((await told(socket))["items"])
    assert sorted(heard) == sorted(expected)


async def test_several_readings_of_one_sensor_that_were_missed_are_all_told_in_order(
    live_api: LiveApi, feed: Publisher
) -> None:
    async with listener(live_api, "traffic") as socket:
        cursor = (await told(socket))["cursor"]
    for second in range(5):
        await publish(feed, reading(20 + second, second=second))
    async with listener(live_api, "traffic") as socket:
        await items_until(socket, 24)
        await say(socket, type="subscribe", topic="traffic", since=cursor)
        assert speeds((await told(socket))["items"]) == [20, 21, 22, 23, 24]


async def test_a_restarted_api_goes_on_from_the_cursors_of_the_one_before(live_api: LiveApi, feed: Publisher) -> None:
    await publish(feed, reading(10))
    async with listener(live_api, "traffic") as socket:
        message = await told(socket)
        while not message["items"]:
            message = await told(socket)
    cursor = message["cursor"]
    await publish(feed, reading(20, second=1), reading(30, second=2))
    async with running_api(live_api.settings) as restarted, listener(restarted, "traffic", since=cursor) as socket:
        missed = await told(socket)
        assert (missed["type"], speeds(missed["items"])) == ("update", [20, 30])
        await publish(feed, reading(40, second=3))
        assert speeds((await told(socket))["items"]) == [40]


async def test_who_was_away_too_long_is_told_so_and_given_the_state(live_api: LiveApi, feed: Publisher) -> None:
    settings = live_api.settings.model_copy(update={"live_log_events": 2})
    async with running_api(settings) as forgetful:
        async with listener(forgetful, "traffic") as socket:
            cursor = (await told(socket))["cursor"]
            await publish(feed, *(reading(20 + second, second=second) for second in range(5)))
            await items_until(socket, 24)
        async with listener(forgetful, "traffic", since=cursor) as socket:
            answer = await told(socket)
    assert (answer["type"], answer["reason"], speeds(answer["items"])) == ("snapshot", "too_far_back", [24])


async def test_a_client_that_does_not_read_is_told_the_newest_state_only_and_delays_nobody(
    live_api: LiveApi, feed: Publisher
) -> None:
    count = 2_000
    slow = sockets.socket()
    slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65_536)
    slow.connect((urlsplit(live_api.url).hostname, urlsplit(live_api.url).port))
    async with (
        listener(live_api, "traffic", interval=0.1) as quick,
        connect(live_api.websocket_url, sock=slow, proxy=None, max_size=None, ping_interval=None) as stalled,
    ):
        await say(stalled, type="subscribe", topic="traffic", interval=0.1)
        await told(quick)
        stalled.transport.pause_reading()
        rounds = 20
        for second in range(rounds):
            await feed.publish_readings([reading(10 + second, f"s{n}", second=second) for n in range(count)])
            await feed.flush()
            heard: list[dict[str, Any]] = []
            while len(heard) < count:
                heard += (await told(quick))["items"]
            assert set(speeds(heard)) == {10 + second}
        stalled.transport.resume_reading()
        seen: list[float] = []
        while (10 + rounds - 1) not in seen:
            seen += speeds((await told(stalled))["items"])
    assert seen == sorted(seen)
    assert len(seen) < count * rounds * 0.8


async def test_a_delta_holds_only_what_changed_and_rebuilds_the_whole(live_api: LiveApi, feed: Publisher) -> None:
    await publish(feed, sensor("bridge"))
    known: dict[str, Any] = {}
    async with listener(live_api, "traffic", delta=True) as socket:
        await told(socket)
        await publish(feed, reading(30, volume_vph=900.0))
        known.update((await told(socket))["items"][0])
        await publish(feed, reading(30, second=1))
        [delta] = (await told(socket))["items"]
        assert delta == {"sensor": "test:bridge", "time": delta["time"], "volume_vph": None}
        known.update(delta)
    async with listener(live_api, "traffic") as other:
        assert (await told(other))["items"] == [known]


async def test_an_older_reading_that_comes_late_does_not_replace_a_newer_one(
    live_api: LiveApi, feed: Publisher
) -> None:
    async with listener(live_api, "traffic") as socket:
        await told(socket)
        for event in (reading(40), reading(10, second=-300), reading(41, second=60)):
            await publish(feed, event)
        assert set(speeds(await items_until(socket, 41))) <= {40, 41}


async def test_an_interval_holds_updates_back_and_gathers_them(live_api: LiveApi, feed: Publisher) -> None:
    async with listener(live_api, "traffic", interval=1.5) as socket:
        await told(socket)
        await publish(feed, reading(10, "a"))
        await told(socket)
        began = asyncio.get_running_loop().time()
        for name in "bcd":
            await publish(feed, reading(20, name))
        assert len((await told(socket))["items"]) == 3
        assert asyncio.get_running_loop().time() - began > 0.5


@pytest.mark.parametrize(
    ("nonsense", "code"),
    [
        ("hello", "bad_request"),
        ('{"type":"subscribe"}', "bad_request"),
        ('{"type":"subscribe","topic":"weather"}', "unknown_topic"),
        ('{"type":"subscribe","topic":"traffic","aeras":["x"]}', "bad_request"),
        ('{"type":"subscribe","topic":"traffic","interval":0}', "bad_request"),
        ('{"type":"subscribe","topic":"traffic","bbox":[1,2,3]}', "bad_request"),
        ('{"type":"subscribe","topic":"traffic","bbox":[10,0,-10,0]}', "bad_request"),
        ('{"type":"subscribe","topic":"traffic","since":"nonsense"}', "bad_cursor"),
        ('{"type":"subscribe","topic":"traffic","areas":[]}', "bad_request"),
        ("[" * 50_000, "bad_request"),
        (b"\x00\xff", "bad_request"),
        (b'{"type":"subscribe","topic":"traffic"}', "bad_request"),
        ("", "bad_request"),
    ],
)
async def test_a_client_that_speaks_nonsense_is_told_what_to_say_and_stays_connected(
    live_api: LiveApi, nonsense: str | bytes, code: str
) -> None:
    async with listener(live_api) as socket:
        await socket.send(nonsense)
        answer = await told(socket)
        assert (answer["type"], answer["code"]) == ("error", code)
        await say(socket, type="subscribe", topic="traffic")
        assert (await told(socket))["type"] == "snapshot"


async def sent_away(socket: ClientConnection) -> tuple[int, float]:
    """The code and `retry_after` with which the server closes."""
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionClosed) as closed:
            await until_closed(socket)
    received = closed.value.rcvd
    assert received is not None
    return received.code, json.loads(received.reason)["retry_after"]


async def until_closed(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def subscribe_to_everything(socket: ClientConnection) -> None:
    for number in range(1_000_000):
        await say(socket, type="subscribe", topic="traffic", sensors=[f"t:{number}"])


async def test_a_client_that_only_speaks_nonsense_is_sent_away(live_api: LiveApi) -> None:
    settings = live_api.settings.model_copy(update={"live_messages_per_second": 1_000.0})
    async with running_api(settings) as patient, listener(patient) as socket:
        for _ in range(20):
            await socket.send("nonsense")
        code, wait = await sent_away(socket)
    assert code == 1008
    assert wait > 0


async def test_a_million_subscriptions_are_bounded(live_api: LiveApi) -> None:
    async with listener(live_api) as socket:
        with pytest.raises(ConnectionClosed):
            await subscribe_to_everything(socket)
    status = (await ask(live_api, "/api/v1/websocket/status")).json()
    assert status["groups"] == 0


async def test_distinct_filters_are_bounded_for_all(live_api: LiveApi) -> None:
    settings = live_api.settings.model_copy(update={"live_groups": 1})
    async with running_api(settings) as small, listener(small, "traffic") as socket:
        await told(socket)
        async with listener(small, "traffic") as same, listener(small, "traffic", sensors=["t:1"]) as other:
            assert (await told(same))["type"] == "snapshot"
            assert (await told(other))["code"] == "too_many"


async def ask(live_api: LiveApi, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=live_api.url, trust_env=False) as client:
        return await client.get(path)


async def test_a_client_without_a_subscription_is_not_kept(live_api: LiveApi) -> None:
    settings = live_api.settings.model_copy(update={"live_idle": timedelta(seconds=0.2)})
    async with running_api(settings) as hasty:
        async with listener(hasty) as idle:
            assert (await sent_away(idle))[0] == 1008
        async with listener(hasty, "traffic") as subscribed:
            await told(subscribed)
            await asyncio.wait([asyncio.create_task(subscribed.wait_closed())], timeout=0.5)
            await say(subscribed, type="ping")
            assert (await told(subscribed))["type"] == "pong"


async def test_more_clients_than_allowed_are_refused_with_when_to_come_again(live_api: LiveApi) -> None:
    for limit, status in (("live_clients", 503), ("live_clients_per_address", 429)):
        settings = live_api.settings.model_copy(update={limit: 1})
        async with running_api(settings) as full:
            async with listener(full, "traffic") as first:
                await told(first)
                with pytest.raises(InvalidStatus) as refused:
                    async with listener(full):
                        pass
                assert refused.value.response.status_code == status
                assert int(refused.value.response.headers["Retry-After"]) > 0

            async def free(full: LiveApi = full) -> bool:
                return bool((await ask(full, "/api/v1/websocket/status")).json()["clients"] == 0)

            await until(free)
            async with listener(full, "traffic") as again:
                await told(again)


async def test_a_message_that_is_too_long_ends_that_connection_alone(live_api: LiveApi) -> None:
    async with listener(live_api, "traffic") as other:
        await told(other)
        async with listener(live_api) as socket:
            await socket.send("x" * 100_000)
            with pytest.raises(ConnectionClosed) as closed:
                await told(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        await say(other, type="ping")
        assert (await told(other))["type"] == "pong"


async def test_a_server_that_stops_tells_clients_when_to_come_back(live_api: LiveApi) -> None:
    waits = set()
    async with running_api(live_api.settings) as stopping:
        sockets_open = [await connect(stopping.websocket_url, proxy=None).__aenter__() for _ in range(5)]
    for socket in sockets_open:
        code, wait = await sent_away(socket)
        assert code == 1012
        waits.add(wait)
    assert len(waits) > 1


async def test_what_cannot_be_used_is_skipped_and_counted(live_api: LiveApi, feed: Publisher) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=live_api.bootstrap)
    await producer.start()
    async with listener(live_api, "traffic") as socket:
        await told(socket)
        for value in (b"nonsense", b"[" * 10_000, encode(reading(1, second=86_400))):
            await producer.send_and_wait(topics.READINGS.name, value, partition=0)
        await producer.stop()
        await publish(feed, reading(33))
        assert speeds(await items_until(socket, 33)) == [33]
    text = (await ask(live_api, "/metrics")).text
    assert 'urbanclear_api_bridge_skipped_total{topic="traffic.readings"}' in text


async def test_a_sensor_learnt_later_has_its_readings_judged_anew(live_api: LiveApi, feed: Publisher) -> None:
    async with listener(live_api, "traffic") as socket:
        await told(socket)
        await publish(feed, reading(30))
        assert [item["los"] for item in (await told(socket))["items"]] == [None]
        await publish(feed, sensor("bridge"))
        assert [item["los"] for item in (await told(socket))["items"]] == ["D"]


async def test_the_state_from_before_kafka_was_asked_comes_from_the_database(
    live_api: LiveApi, feed: Publisher
) -> None:
    async with running_consumer(live_api.settings):
        await publish(feed, sensor("bridge"), reading(44), crash())

        async def stored() -> bool:
            listed = (await ask(live_api, "/api/v1/incidents")).json()["items"]
            return bool(listed and (await ask(live_api, "/api/v1/traffic/current")).json()["items"])

        await until(stored)
    settings = live_api.settings.model_copy(update={"live_replay": timedelta(0)})
    async with running_api(settings) as fresh, listener(fresh, "traffic", "incidents") as socket:
        messages = {message["topic"]: message["items"] for message in (await told(socket), await told(socket))}
    assert speeds(messages["traffic"]) == [44]
    assert [item["id"] for item in messages["incidents"]] == ["crash-0"]
    assert datetime.fromisoformat(messages["traffic"][0]["time"]) == NOW.astimezone(UTC)


async def test_status_tells_of_clients_and_how_far_back_one_may_have_been_away(
    live_api: LiveApi, feed: Publisher
) -> None:
    async with listener(live_api, "traffic") as one, listener(live_api, "traffic", interval=2.0) as two:
        await told(one)
        oldest = (await told(two))["cursor"]
        await publish(feed, reading(1))
        assert speeds(await items_until(one, 1)) == [1]
        status = (await ask(live_api, "/api/v1/websocket/status")).json()
    assert (status["connected"], status["clients"], status["groups"]) == (True, 2, 2)
    assert status["topics"]["traffic"]["subscriptions"] == 2
    assert status["topics"]["traffic"]["logged"] == 1
    assert status["topics"]["traffic"]["oldest_cursor"] == oldest
    assert status["bytes_sent"] > status["messages_sent"] >= 3
    assert {"lagged", "cut"} <= set(status)


@asynccontextmanager
async def before_kafka_answers(live_api: LiveApi) -> AsyncIterator[tuple[LiveApi, Relay]]:
    """An API whose bridge has found no broker yet; once the relay is mended it finds one."""
    relay = await Relay.to(f"kafka://{live_api.bootstrap}")
    await relay.cut()
    settings = live_api.settings.model_copy(
        update={"kafka_bootstrap": f"127.0.0.1:{relay.port}", "live_replay": timedelta(minutes=5)}
    )
    async with running_api(settings, bridged=False) as early:
        yield early, relay
    await relay.cut()


async def test_who_subscribes_while_the_api_starts_is_told_all_once_it_has_read(
    live_api: LiveApi, feed: Publisher
) -> None:
    async with running_consumer(live_api.settings):
        await publish(feed, crash())

        async def stored() -> bool:
            return bool((await ask(live_api, "/api/v1/incidents")).json()["items"])

        await until(stored)
    async with before_kafka_answers(live_api) as (early, relay), listener(early, "incidents") as socket:
        assert (await told(socket))["items"] == []
        await relay.mend()
        message = await told(socket)
        while message["type"] != "snapshot":  # what is read meanwhile may come first
            message = await told(socket)
        assert [item["id"] for item in message["items"]] == ["crash-0"]


async def test_who_comes_back_while_the_api_starts_is_still_told_what_was_missed(
    live_api: LiveApi, feed: Publisher
) -> None:
    async with listener(live_api, "traffic") as socket:
        cursor = (await told(socket))["cursor"]
    await publish(feed, reading(20), reading(30, second=1))
    async with (
        before_kafka_answers(live_api) as (early, relay),
        listener(early, "traffic", since=cursor) as socket,
    ):
        await relay.mend()
        missed = await told(socket)
        assert (missed["type"], speeds(missed["items"])) == ("update", [20, 30])


async def test_who_comes_back_long_before_the_api_has_read_is_asked_to_come_again(
    live_api: LiveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.hub.FILLED_SECONDS", 0.1)
    async with listener(live_api, "traffic") as socket:
        cursor = (await told(socket))["cursor"]
    async with before_kafka_answers(live_api) as (early, _):
        async with listener(early, "traffic", since=cursor) as socket:
            code, wait = await sent_away(socket)
        assert (code, wait > 0) == (1013, True)
        stream = await ask(early, f"/api/v1/stream/traffic?since={cursor}")
        assert (stream.status_code, stream.text.partition(":")[0]) == (200, "retry")


async def test_answers_to_a_client_that_does_not_read_do_not_heap_up(live_api: LiveApi, feed: Publisher) -> None:
    settings = live_api.settings.model_copy(update={"live_messages_per_second": 1_000.0})
    async with running_api(settings) as api, listener(api, "traffic") as other:
        await told(other)
        await feed.publish_readings([reading(10, f"s{n}") for n in range(2_000)])
        await feed.flush()
        heard = 0
        while heard < 2_000:
            heard += len((await told(other))["items"])
        async with listener(api) as greedy:
            greedy.transport.pause_reading()
            asked = 200
            for _ in range(asked):
                await say(greedy, type="subscribe", topic="traffic")
            for _ in range(asked):
                await say(other, type="ping")
                assert (await told(other))["type"] == "pong"
            held = [
                connection.transport.get_write_buffer_size()
                for connection in api.server.server_state.connections
                if hasattr(connection, "conn")
            ]
            assert 0 < max(held) < 2 * 1024**2
            greedy.transport.resume_reading()
            for _ in range(asked):
                assert len((await told(greedy))["items"]) == 2_000
