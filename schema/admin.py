"""Makes Kafka's topics: what `urbanclear schema upgrade` does for the broker side of the contract."""

import asyncio
import time
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schema import topics
from urbanclear.errors import StartError
from urbanclear.settings import Settings

LEADERS_SECONDS: Final = 30.0


async def create_topics(bootstrap: str, settings: Settings) -> list[str]:
    """Make the topics that are missing, and return their names once they can be written to.

    Those that exist are left as they are. Raises `StartError` when the brokers refuse.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        missing = [_new_topic(topic, settings) for topic in topics.ALL if topic.name not in existing]
        if missing:
            response = await admin.create_topics(missing)
            _raise_failures(response.topic_errors)
            await _wait_for_leaders(admin)
    except KafkaError as error:
        raise StartError(f"Kafka's topics could not be made at {bootstrap}: {error}.") from error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


async def _wait_for_leaders(admin: AIOKafkaAdminClient) -> None:
    end = time.monotonic() + LEADERS_SECONDS
    while True:
        described = await admin.describe_topics([topic.name for topic in topics.ALL])
        partitions = [partition for topic in described for partition in topic["partitions"]]
        if len(described) == len(topics.ALL) and partitions and all(p["leader"] >= 0 for p in partitions):
            return
        if time.monotonic() > end:
            raise StartError(
                f"Kafka's new topics have no leader after {LEADERS_SECONDS:.0f} s: see the broker's log."
            )
        await asyncio.sleep(0.05)


def _new_topic(topic: topics.Topic, settings: Settings) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions or settings.kafka_partitions,
        replication_factor=settings.kafka_replication,
        topic_configs=topic.config,
    )


def _raise_failures(errors: list[tuple[str, int, str]]) -> None:
    for name, code, message in errors:
        kind = for_code(code)
        if code and kind is not TopicAlreadyExistsError:
            raise kind(f"{name}: {message}")
