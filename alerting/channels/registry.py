"""The channels there are, by the kind that a contact names."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.channels.contract import Sender
from alerting.channels.email.sender import Email
from alerting.channels.phone.sender import Phone
from alerting.channels.slack.sender import Slack
from alerting.channels.webhook.sender import Webhook
from alerting.guard import Addresses, Gate
from alerting.templates.pages import Pages
from urbanclear.settings import Settings

Senders = Mapping[str, Sender]


@asynccontextmanager
async def open_senders(settings: Settings, engine: AsyncEngine) -> AsyncIterator[Senders]:
    """A sender for each kind of channel; all are closed on leaving."""
    addresses = Addresses(settings.alert_private_networks)
    gate, pages = Gate(addresses), Pages(settings)
    phone = Phone(pages, addresses)
    public_url = settings.public_url.unicode_string() if settings.public_url else None
    senders: dict[str, Sender] = {
        "email": Email(settings, pages, engine),
        "slack": Slack(gate, pages),
        "webhook": Webhook(gate, public_url),
        "sms": phone,
        "push": phone,
    }
    async with AsyncExitStack() as closing:
        closing.push_async_callback(gate.close)
        closing.push_async_callback(pages.close)
        for sender in senders.values():
            closing.push_async_callback(sender.close)
        yield senders
