"""`/api/v1/websocket/status`: how the live bridge is doing."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import BridgeDep, HubDep
from api.live import metrics
from api.live.hub import Hub
from api.live.topic import Topic

router = APIRouter(tags=["live"])


class TopicStatus(BaseModel):
    """One topic."""

    items: int = Field(description="in a snapshot of all", examples=[526])
    subscriptions: int = Field(examples=[12])
    behind: int = Field(description="subscriptions that have not taken the newest yet", examples=[0])
    logged: int = Field(description="changes kept for those who come back", examples=[48_000])
    cursor: str = Field(description="of the newest")
    oldest_cursor: str = Field(description="the oldest that can be gone on from")


class LiveStatus(BaseModel):
    """The live bridge of this API process."""

    connected: bool = Field(description="whether it follows Kafka")
    clients: int = Field(examples=[12])
    groups: int = Field(description="distinct topics, filters and forms subscribed to", examples=[3])
    messages_sent: int = Field(description="since the process began", examples=[120_000])
    bytes_sent: int = Field(description="of those messages", examples=[90_000_000])
    lagged: int = Field(description="times that events were dropped for a slow client", examples=[0])
    cut: int = Field(description="clients given up because they did not read", examples=[0])
    topics: dict[str, TopicStatus]


@router.get("/websocket/status")
async def status(hub: HubDep, bridge: BridgeDep) -> LiveStatus:
    """Clients, subscriptions by topic, and how far back a client may have been away."""
    topics = {name: _status_of(hub, topic) for name, topic in hub.topics.items()}
    return LiveStatus(
        connected=bridge.connected,
        clients=hub.clients.total(),
        groups=len(hub.groups),
        messages_sent=metrics.total(metrics.MESSAGES),
        bytes_sent=metrics.total(metrics.BYTES),
        lagged=metrics.total(metrics.LAGGED),
        cut=metrics.total(metrics.CUT),
        topics=topics,
    )


def _status_of(hub: Hub, topic: Topic) -> TopicStatus:
    groups = [group for group in hub.groups.values() if group.topic is topic]
    behind = sum(len(group.behind) for group in groups)
    return TopicStatus(
        items=len(topic.items),
        subscriptions=behind + sum(len(group.current) for group in groups),
        behind=behind,
        logged=len(topic.log),
        cursor=topic.cursor,
        oldest_cursor=topic.oldest_cursor,
    )
