"""Sends to Slack. As an app (`token_secret`) it remembers where its message is, and updates it when all is over."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from alerting.channels.answers import accepted, printable
from alerting.channels.contract import Outgoing, Preview, Reference, Sender
from alerting.channels.slack.blocks import blocks
from alerting.channels.targets import secret, target_of
from alerting.guard import Answer, Gate
from alerting.templates.pages import Pages
from urbanclear.errors import Refused, TryLater

API: Final = "https://slack.com/api"
_JSON: Final = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Urbanclear"}
_AGAIN: Final = frozenset(
    {"ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable", "request_timeout"}
)
_OURS: Final = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
_GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class Slack(Sender):
    """The channel `slack`."""

    width: ClassVar[int] = 1  # Slack takes one message a second of each channel

    def __init__(self, gate: Gate, pages: Pages, api: str = API) -> None:
        self._gate = gate
        self._pages = pages
        self._api = api

    async def send(self, outgoing: Outgoing) -> Reference | None:
        said = await self._said(outgoing)
        if outgoing.channel.token_secret is None:
            accepted(await self._gate.post(target_of(outgoing.channel), _json(said), _JSON))
            return None
        if outgoing.message.status == "resolved" and outgoing.reference is not None:
            where = {name: outgoing.reference.get(name) for name in ("channel", "ts")}
            answer = await self._called("chat.update", outgoing, said | where)
            if answer.get("error") not in _GONE:
                return _reference(answer)
        told = {"event_type": "urbanclear_alert", "event_payload": {"key": outgoing.key}}
        whole = said | {"channel": outgoing.channel.slack_channel, "metadata": told}
        return _reference(await self._called("chat.postMessage", outgoing, whole))

    async def preview(self, outgoing: Outgoing) -> Preview:
        said = await self._said(outgoing)
        return Preview(json.dumps(said, ensure_ascii=False, indent=2).encode(), ".json")

    async def _said(self, outgoing: Outgoing) -> dict[str, Any]:
        return await blocks(self._pages, self._pages.view(outgoing.message), outgoing.key)

    async def _called(self, method: str, outgoing: Outgoing, said: Mapping[str, Any]) -> dict[str, Any]:
        token = secret(outgoing.channel.token_secret or "")
        if not token.isascii() or not token.isprintable():
            raise Refused(f"{outgoing.channel.token_secret} is no token of Slack: copy it anew")
        headers = _JSON | {"Authorization": f"Bearer {token}"}
        answer = await self._gate.post(f"{self._api}/{method}", _json(said), headers)
        accepted(answer)
        return _document(answer)


def _reference(answer: Mapping[str, Any]) -> Reference:
    """Where the message is; raises where Slack said no, which it does with status 200."""
    if answer.get("ok") is True:
        return {"channel": answer.get("channel"), "ts": answer.get("ts")}
    problem = str(answer.get("error", "no reason given"))[:100]
    if problem in _AGAIN:
        raise TryLater(f"Slack says {problem}")
    if problem in _OURS:
        raise TryLater(f"Slack says {problem}: check the token", whole=False)
    raise Refused(f"Slack says {problem}: check the contact's channel and the app's rights")


def _document(answer: Answer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise TryLater(f"Slack's answer cannot be read: {printable(answer.body)}") from None


def _json(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()
