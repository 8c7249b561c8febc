"""Who listens to what: the newest state of each topic, and for each client what it has not been told yet.

A client that reads slowly never makes others wait and never grows a queue: for each topic it has a set of keys that
have changed since it was last written to, and is sent their newest state when it can take it (conflation).
"""

import asyncio
from collections.abc import Iterable

from pydantic import BaseModel, TypeAdapter

from api import metrics

Key = str
_ENCODE_ITEMS: TypeAdapter[list[BaseModel]] = TypeAdapter(list[BaseModel])


class Topic:
    """The newest item of each key, at most `most` of them: the longest unchanged are forgotten first."""

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.items: dict[Key, BaseModel] = {}
        self._most = most

    def put(self, key: Key, item: BaseModel) -> None:
        """Make `item` the newest of its key."""
        self.items.pop(key, None)
        self.items[key] = item
        if len(self.items) > self._most:
            del self.items[next(iter(self.items))]

    def message(self, kind: str, keys: Iterable[Key]) -> str:
        """A `snapshot` or `update` of the items of `keys` that are still known."""
        items = [self.items[key] for key in keys if key in self.items]
        encoded = _ENCODE_ITEMS.dump_json(items, serialize_as_any=True).decode()
        return f'{{"type":"{kind}","topic":"{self.name}","items":{encoded}}}'


class Client:
    """One listener: its subscriptions and what each has pending."""

    def __init__(self) -> None:
        self._pending: dict[Topic, set[Key]] = {}
        self._fresh: set[Topic] = set()
        self._woken = asyncio.Event()

    def subscribe(self, topic: Topic) -> None:
        """From now on; a snapshot comes first."""
        self._pending[topic] = set()
        self._fresh.add(topic)
        self._woken.set()

    def unsubscribe(self, topic: Topic) -> None:
        """No more of `topic`."""
        self._pending.pop(topic, None)
        self._fresh.discard(topic)

    def note(self, topic: Topic, key: Key) -> None:
        """Remember that `key` has changed, if the client listens to its topic."""
        pending = self._pending.get(topic)
        if pending is not None:
            pending.add(key)
            self._woken.set()

    async def next_messages(self) -> list[str]:
        """What the client has to be told now; waits until there is something."""
        await self._woken.wait()
        self._woken.clear()
        messages = []
        for topic, pending in self._pending.items():
            if topic in self._fresh:
                messages.append(topic.message("snapshot", list(topic.items)))
            elif pending:
                messages.append(topic.message("update", pending))
            pending.clear()
        self._fresh.clear()
        return messages


class Hub:
    """All topics and all clients."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.topics = {topic.name: topic for topic in topics}
        self.clients: set[Client] = set()

    def put(self, name: str, key: Key, item: BaseModel) -> None:
        """A new state of `key`: kept, and noted for every client that listens."""
        topic = self.topics[name]
        topic.put(key, item)
        for client in self.clients:
            client.note(topic, key)

    def join(self, client: Client) -> None:
        self.clients.add(client)
        metrics.WEBSOCKET_CLIENTS.set(len(self.clients))

    def leave(self, client: Client) -> None:
        self.clients.discard(client)
        metrics.WEBSOCKET_CLIENTS.set(len(self.clients))
