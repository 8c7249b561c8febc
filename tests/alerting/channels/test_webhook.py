"""Webhooks: what a receiver gets, and that it can know whom it is from."""

import hashlib
import hmac
import ssl
import time

import pytest

from alerting.channels.webhook.signature import HEADER
from schema.alerting.routing import Channel
from schema.alerting.words import KEPT
from tests.alerting.channels.conftest import opened, outgoing
from tests.alerting.outbox import message, told, webhook
from tests.alerting.receiver import Answering, receiving
from urbanclear.errors import Refused, TryLater


def verified(header: str, body: bytes, secret: str) -> bool:
    """As a receiver checks it."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    wanted = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(parts["t"])) < 300 and hmac.compare_digest(wanted, parts["v1"])


async def test_a_receiver_gets_the_whole_message_with_its_key() -> None:
    async with receiving() as receiver, opened(public_url="https://traffic.example/") as senders:
        await senders["webhook"].send(outgoing(webhook(receiver.url), "the-key"))
        [request] = receiver.requests
    assert request.headers["idempotency-key"] == "the-key"
    assert request.headers["content-type"] == "application/json"
    said = request.json
    assert (said["version"], said["key"], said["status"], said["priority"]) == (1, "the-key", "firing", "high")
    assert said["url"] == "https://traffic.example/"
    [alert] = said["alerts"]
    assert (alert["id"], alert["value"], alert["resolved_at"]) == ("a1", 12.0, None)
    assert alert["labels"] == {"area": "Manhattan", "sensor": ["nyc-dot:1", "nyc-dot:2"]}


async def test_each_try_has_the_same_body() -> None:
    async with receiving() as receiver, opened() as senders:
        for _ in range(2):
            await senders["webhook"].send(outgoing(webhook(receiver.url)))
        first, second = receiver.requests
    assert first.body == second.body


async def test_a_signature_is_right_for_whoever_has_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_HOOK", "wild horses")
    async with receiving() as receiver, opened() as senders:
        await senders["webhook"].send(outgoing(webhook(receiver.url, signed_with="URBANCLEAR_SECRET_HOOK")))
        [request] = receiver.requests
    assert verified(request.headers[HEADER.lower()], request.body, "wild horses")
    assert not verified(request.headers[HEADER.lower()], request.body + b" ", "wild horses")
    assert not verified(request.headers[HEADER.lower()], request.body, "tame horses")


async def test_a_secret_that_is_not_set_is_named_and_tried_again() -> None:
    async with receiving() as receiver, opened() as senders:
        with pytest.raises(TryLater, match="URBANCLEAR_SECRET_HOOK is not set"):
            await senders["webhook"].send(outgoing(webhook(receiver.url, signed_with="URBANCLEAR_SECRET_HOOK")))
        assert receiver.requests == []


async def test_alertmanagers_form() -> None:
    ended = told("a2", "resolved", subject="nyc-dot:7", rule="silence", runbook="https://runbooks.example/1")
    labels = {**told().labels, "description": "A car in the tunnel"}
    said_ = message("n1", told(labels=labels), ended)
    async with receiving() as receiver, opened() as senders:
        channel = webhook(receiver.url, payload="alertmanager")
        await senders["webhook"].send(outgoing(channel, message=said_, contact="pager"))
        said = receiver.requests[0].json
    assert (said["version"], said["status"], said["receiver"]) == ("4", "firing", "pager")
    assert said["groupLabels"] == {"area": "Manhattan"}
    assert said["commonLabels"]["area"] == "Manhattan"
    assert "alertname" not in said["commonLabels"]
    first, second = said["alerts"]
    assert first["labels"]["alertname"] == "congestion"
    assert first["labels"]["sensor"] == "nyc-dot:1,nyc-dot:2"
    assert "description" not in first["labels"]
    assert first["endsAt"] == "0001-01-01T00:00:00Z"
    assert second["status"] == "resolved"
    assert second["endsAt"] == "2026-11-02T08:45:00+00:00"
    assert second["annotations"]["runbook_url"] == "https://runbooks.example/1"
    assert first["fingerprint"] != second["fingerprint"]


async def test_tls_keeps_the_name_though_the_address_is_connected_to(server_tls: ssl.SSLContext) -> None:
    async with receiving(server_tls) as receiver, opened() as senders:
        await senders["webhook"].send(outgoing(webhook(f"https://localhost:{receiver.port}/hook")))
        assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"


async def test_a_certificate_that_is_not_trusted_is_no_receiver(
    server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with receiving(server_tls) as receiver, opened() as senders:
        with pytest.raises(TryLater, match="certificate"):
            await senders["webhook"].send(outgoing(webhook(f"https://localhost:{receiver.port}/hook")))
        assert receiver.requests == []


async def test_a_redirect_is_not_followed_and_says_so() -> None:
    async with receiving() as receiver, opened() as senders:
        receiver.answer = lambda request: Answering(307, {"Location": "http://169.254.169.254/latest"})
        with pytest.raises(Refused, match="redirects are not followed"):
            await senders["webhook"].send(outgoing(webhook(receiver.url)))
        assert len(receiver.requests) == 1


async def test_a_long_answer_is_not_read_to_its_end() -> None:
    async with receiving() as receiver, opened() as senders:
        receiver.answer = lambda request: Answering(500, {}, b"x" * 5_000_000)
        with pytest.raises(TryLater) as raised:
            await senders["webhook"].send(outgoing(webhook(receiver.url)))
        assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "https://", "https://a:b@example.com/", "x"]
)
async def test_what_is_no_address_is_refused(url: str) -> None:
    kept = Channel.model_validate({"kind": "webhook", "to": url}, context=KEPT)
    async with opened() as senders:
        with pytest.raises(Refused):
            await senders["webhook"].send(outgoing(kept))


async def test_a_secret_address_with_a_line_break_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_HOOK", "https://example.com/\r\nX-Evil: 1")
    channel = Channel.model_validate({"kind": "webhook", "to_secret": "URBANCLEAR_SECRET_HOOK"})
    async with opened() as senders:
        with pytest.raises(Refused, match="control character"):
            await senders["webhook"].send(outgoing(channel))
