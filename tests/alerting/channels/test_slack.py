"""Slack, by a receiver that answers as Slack's API does."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from alerting.channels.slack.sender import Slack
from alerting.guard import Addresses, Gate
from alerting.templates.pages import Pages
from schema.alerting.routing import Channel
from tests.alerting.channels.conftest import outgoing
from tests.alerting.outbox import LOOPBACK, message, settings, told
from tests.alerting.receiver import Answering, Receiver, Request, receiving
from urbanclear.errors import Refused, TryLater

APP = Channel.model_validate(
    {"kind": "slack", "token_secret": "URBANCLEAR_SECRET_SLACK", "slack_channel": "#traffic"}
)


@asynccontextmanager
async def slack(receiver: Receiver) -> AsyncIterator[Slack]:
    gate, pages = Gate(Addresses(LOOPBACK)), Pages(settings(public_url="https://traffic.example/"))
    yield Slack(gate, pages, api=receiver.url)
    await gate.close()
    await pages.close()


def says(**answer: object) -> Answering:
    return Answering(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())


async def test_an_incoming_webhook_is_given_blocks_in_the_colour_of_the_priority() -> None:
    async with receiving() as receiver, slack(receiver) as sender:
        await sender.send(outgoing(Channel(kind="slack", to=receiver.url), "the-key"))
        said = receiver.requests[0].json
    assert said["text"] == "[HIGH] Broadway is slow"
    [attachment] = said["attachments"]
    assert attachment["color"] == "#c2410c"
    kinds = [block["type"] for block in attachment["blocks"]]
    assert kinds == ["header", "section", "context"]
    assert "12 km/h" in attachment["blocks"][1]["text"]["text"]
    assert attachment["blocks"][2]["block_id"] == "the-key"
    assert "<https://traffic.example/|Live page>" in attachment["blocks"][2]["elements"][0]["text"]


async def test_data_can_neither_link_nor_call_anybody() -> None:
    nasty = told(summary="<!channel> & <https://evil.example|click>", description="<@U1>")
    async with receiving() as receiver, slack(receiver) as sender:
        await sender.send(outgoing(Channel(kind="slack", to=receiver.url), message=message("n", nasty)))
        section = receiver.requests[0].json["attachments"][0]["blocks"][1]["text"]["text"]
    assert "&lt;!channel&gt; &amp; &lt;https" in section
    assert "<@" not in section


async def test_an_app_posts_and_updates_its_message_once_all_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_SLACK", "xoxb-1")
    async with receiving() as receiver, slack(receiver) as sender:
        receiver.answer = lambda request: says(ok=True, channel="C1", ts="17.5")
        reference = await sender.send(outgoing(APP, "one"))
        assert reference == {"channel": "C1", "ts": "17.5"}
        over = message("n2", told(state="resolved"))
        await sender.send(outgoing(APP, "two", message=over, reference=reference))
        posted, updated = receiver.requests
    assert posted.path.endswith("/chat.postMessage")
    assert posted.headers["authorization"] == "Bearer xoxb-1"
    assert posted.json["channel"] == "#traffic"
    assert posted.json["metadata"]["event_payload"] == {"key": "one"}
    assert updated.path.endswith("/chat.update")
    assert (updated.json["channel"], updated.json["ts"]) == ("C1", "17.5")
    assert updated.json["text"] == "[RESOLVED] Broadway is slow"


async def test_a_message_that_is_gone_is_posted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_SLACK", "xoxb-1")

    def answer(request: Request) -> Answering:
        return says(ok=False, error="message_not_found") if "update" in request.path else says(ok=True, ts="2")

    async with receiving() as receiver, slack(receiver) as sender:
        receiver.answer = answer
        over = message("n2", told(state="resolved"))
        await sender.send(outgoing(APP, message=over, reference={"channel": "C1", "ts": "1"}))
        assert [request.path.rsplit("/", 1)[1] for request in receiver.requests] == [
            "chat.update",
            "chat.postMessage",
        ]


@pytest.mark.parametrize(
    ("problem", "error"), [("ratelimited", TryLater), ("invalid_auth", TryLater), ("channel_not_found", Refused)]
)
async def test_a_no_with_status_200_is_a_no(
    problem: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_SLACK", "xoxb-1")
    async with receiving() as receiver, slack(receiver) as sender:
        receiver.answer = lambda request: says(ok=False, error=problem)
        with pytest.raises(error, match=problem):
            await sender.send(outgoing(APP))


async def test_how_long_slack_wants_to_be_left_alone_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_SLACK", "xoxb-1")
    async with receiving() as receiver, slack(receiver) as sender:
        receiver.answer = lambda request: Answering(429, {"Retry-After": "30"})
        with pytest.raises(TryLater) as raised:
            await sender.send(outgoing(APP))
    assert raised.value.after is not None
    assert raised.value.after.total_seconds() == 30
