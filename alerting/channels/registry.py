"""The channels there are, by the kind that a contact names."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.channels.contract import Sender
from alerting.channels.webhook.sender import Webhook
from alerting.guard import open_gate
from urbanclear.settings import Settings

Senders = Mapping[str, Sender]


@asynccontextmanager
async def open_senders(settings: Settings, engine: AsyncEngine) -> AsyncIterator[Senders]:
    """A sender for each kind of channel; all are closed on leaving."""
    gate = open_gate(settings)
    public_url = settings.public_url.unicode_string() if settings.public_url else None
    senders: dict[str, Sender] = {"webhook": Webhook(gate, public_url)}
    try:
        yield senders
    finally:
        for sender in senders.values():
            await sender.close()
        await gate.close()
