"""Calls a webhook: one POST, signed where the contact says so, with the key by which a repeat is known."""

import time

from alerting.channels.answers import accepted
from alerting.channels.contract import Outgoing, Preview, Sender
from alerting.channels.targets import secret, target_of
from alerting.channels.webhook.payloads import payload
from alerting.channels.webhook.signature import HEADER, sign
from alerting.guard import Gate


class Webhook(Sender):
    """The channel `webhook`."""

    def __init__(self, gate: Gate, public_url: str | None = None) -> None:
        self._gate = gate
        self._public_url = public_url

    async def send(self, outgoing: Outgoing) -> None:
        body = payload(outgoing, self._public_url)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Urbanclear",
            "Idempotency-Key": outgoing.key,
        }
        if outgoing.channel.signed_with is not None:
            headers[HEADER] = sign(secret(outgoing.channel.signed_with), body, int(time.time()))
        accepted(await self._gate.post(target_of(outgoing.channel), body, headers))

    async def preview(self, outgoing: Outgoing) -> Preview:
        return Preview(payload(outgoing, self._public_url), ".json")
