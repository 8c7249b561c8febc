"""What one would install instead: Kafka Connect, a standalone worker on loopback with Debezium's JDBC sink.

It stores the same readings in the same table by upsert. It is given what makes it fast: messages that carry their
schema, 10,000 rows a batch, multi-row inserts, two tasks. Its libraries are had when it is measured.
"""

import asyncio
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from sqlalchemy import make_url

from bench.ingest.backlog import drained
from bench.ingest.bench import Bench
from bench.ingest.load import SENSORS, Load
from bench.ingest.process import started
from urbanclear.embedded import kafka
from urbanclear.embedded.jars import resolve
from urbanclear.embedded.java import find_java
from urbanclear.embedded.ports import choose
from urbanclear.embedded.process import Process
from urbanclear.settings import LOOPBACK

TOPIC: Final = "bench.jdbc-sink"
BATCH_ROWS: Final = 10_000
PASSWORD: Final = "JDBC_SINK_PASSWORD"  # noqa: S105 - the variable's name

_FIELDS: Final = [
    {"field": "sensor_id", "type": "int32", "optional": False},
    {"field": "time", "type": "int64", "optional": False, "name": "org.apache.kafka.connect.data.Timestamp"},
    *(
        {"field": name, "type": "float", "optional": True}
        for name in ("speed_kmh", "volume_vph", "occupancy", "travel_time_s")
    ),
]
_SCHEMA: Final = msgspec.Raw(msgspec.json.encode({"type": "struct", "optional": False, "fields": _FIELDS}))


async def fill(bench: Bench, load: Load) -> None:
    """Publish `load` to a topic of its own as the sink reads it: a row a message, with its schema.

    Raises `JarsUnavailable`, before anything is measured, when there would be no sink to read it.
    """
    await asyncio.to_thread(resolve, "connect", bench.settings)
    await bench.broker.admin.create_topics([NewTopic(TOPIC, bench.broker.partitions, 1)])
    producer = AIOKafkaProducer(
        bootstrap_servers=bench.broker.bootstrap, compression_type="lz4", linger_ms=20, max_batch_size=131_072
    )
    await producer.start()
    try:
        for poll in range(load.polls):
            bench.say(f"publishing with schema: {poll * SENSORS:,} of {load.rows:,} readings")
            for number, reading in enumerate(load.readings(poll), start=1):
                row = {
                    "sensor_id": number,
                    "time": _milliseconds(reading.time),
                    "speed_kmh": reading.speed_kmh,
                    "volume_vph": reading.volume_vph,
                    "occupancy": reading.occupancy,
                    "travel_time_s": reading.travel_time_s,
                }
                value = msgspec.json.encode({"schema": _SCHEMA, "payload": row})
                await producer.send(TOPIC, value, key=reading.key.encode())
    finally:
        await producer.stop()


async def sink_rate(bench: Bench, load: Load) -> float:
    """Rows a second of a new worker that stores what `fill` published."""
    name = f"sink-{uuid.uuid4().hex[:8]}"
    jars = await asyncio.to_thread(resolve, "connect", bench.settings)
    async with bench.ready_database(load) as url:
        process = _worker(bench, jars, name, url)
        began = time.monotonic()
        async with started(process):
            return (await drained(bench, url, load, process, f"connect-{name}", began)).rate


def _worker(bench: Bench, jars: Path, name: str, url: str) -> Process:
    worker, sink = bench.folder / f"{name}-worker.properties", bench.folder / f"{name}.properties"
    _write(worker, _worker_properties(bench, name))
    _write(sink, _sink_properties(name, url))
    options = ["-Xmx1g", "-Duser.timezone=UTC", f"-Dlog4j2.configurationFile={kafka.LOGGING}", "-cp", f"{jars}/*"]
    command: list[str | Path] = [
        find_java().executable,
        *options,
        "org.apache.kafka.connect.cli.ConnectStandalone",
        worker,
        sink,
    ]
    password = str(make_url(url).password or "")
    return Process("Kafka Connect", command, bench.folder / f"{name}.log", {PASSWORD: password})


def _worker_properties(bench: Bench, name: str) -> dict[str, object]:
    return {
        "bootstrap.servers": bench.broker.bootstrap,
        "listeners": f"http://{LOOPBACK}:{choose(1, [])[0]}",
        "offset.storage.file.filename": bench.folder / f"{name}.offsets",
        "plugin.discovery": "service_load",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "consumer.max.poll.records": BATCH_ROWS,
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    }


def _sink_properties(name: str, url: str) -> dict[str, object]:
    place = make_url(url)
    return {
        "name": name,
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": 2,
        "topics": TOPIC,
        "connection.url": f"jdbc:postgresql://{place.host}:{place.port}/{place.database}?reWriteBatchedInserts=true",
        "connection.username": place.username,
        "connection.password": f"${{env:{PASSWORD}}}",
        "collection.name.format": "readings",
        "insert.mode": "upsert",
        "primary.key.mode": "record_value",
        "primary.key.fields": "sensor_id,time",
        "schema.evolution": "none",
        "batch.size": BATCH_ROWS,
    }


def _write(path: Path, properties: dict[str, object]) -> None:
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
