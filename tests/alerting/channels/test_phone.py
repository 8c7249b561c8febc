"""SMS and push through Apprise, by servers that answer as ntfy and Gotify do."""

import logging

import pytest

from schema.alerting.routing import Channel
from schema.alerting.words import KEPT
from tests.alerting.channels.conftest import opened, outgoing
from tests.alerting.receiver import Answering, receiving
from urbanclear.errors import Refused, TryLater


def push(url: str) -> Channel:
    return Channel(kind="push", to=url)


async def test_a_push_message_reaches_a_server_of_ones_own() -> None:
    async with receiving() as receiver, opened() as senders:
        receiver.answer = lambda request: Answering(200, {}, b'{"id": "1"}')
        await senders["push"].send(outgoing(push(f"ntfy://127.0.0.1:{receiver.port}/traffic")))
        [request] = receiver.requests
    assert b"Broadway is slow" in request.body
    assert b"[HIGH] Broadway is slow" in request.body


async def test_a_server_that_is_not_permitted_is_not_reached() -> None:
    async with receiving() as receiver, opened(alert_private_networks=()) as senders:
        for url in (f"ntfy://localhost:{receiver.port}/traffic", f"gotifys://127.0.0.1:{receiver.port}/token12345"):
            with pytest.raises(Refused, match="URBANCLEAR_ALERT_PRIVATE_NETWORKS"):
                await senders["push"].send(outgoing(push(url)))
        assert receiver.requests == []


async def test_a_redirect_to_elsewhere_is_stopped() -> None:
    async with receiving() as receiver, opened(alert_private_networks=("127.0.0.0/8",)) as senders:
        receiver.answer = lambda request: Answering(307, {"Location": f"http://[::1]:{receiver.port}/secret"})
        with pytest.raises((Refused, TryLater)):
            await senders["push"].send(outgoing(push(f"ntfy://127.0.0.1:{receiver.port}/traffic")))
        assert len(receiver.requests) == 1


@pytest.mark.parametrize(("status", "error"), [(401, Refused), (404, Refused), (429, TryLater), (500, TryLater)])
async def test_what_the_service_says_decides_whether_it_is_tried_again(
    status: int, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving() as receiver, opened() as senders:
        receiver.answer = lambda request: Answering(status, {}, b"{}")
        with caplog.at_level(logging.DEBUG), pytest.raises(error) as raised:
            await senders["push"].send(outgoing(push(f"gotify://127.0.0.1:{receiver.port}/SecretTokenXyz")))
    assert str(status) in str(raised.value)
    assert "SecretTokenXyz" not in str(raised.value) + caplog.text


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("push", "json://127.0.0.1/"),
        ("push", "dbus://"),
        ("sms", "ntfy://127.0.0.1/topic"),
        ("push", "twilio://AC:token@+15551234567"),
        ("push", "no address"),
        ("push", "pover://user@token?verify=no"),
        ("push", "fcm://project/topic?keyfile=/etc/passwd"),
        ("push", "ntfy://topic?attach=file:///etc/passwd"),
        ("push", "gotify://"),
    ],
)
async def test_what_is_not_on_the_list_is_refused(kind: str, url: str) -> None:
    async with opened() as senders:
        with pytest.raises(Refused):
            await senders[kind].send(outgoing(Channel.model_validate({"kind": kind, "to": url}, context=KEPT)))


async def test_an_sms_is_one_short_line() -> None:
    async with opened() as senders:
        shown = await senders["sms"].preview(outgoing(Channel(kind="sms", to="twilio://a")))
    assert shown.content.decode() == "[HIGH] Broadway is slow: 12 km/h where 40 km/h are normal\n"
