"""How the whole is doing: each part's health, Kafka's offsets and lag, the rows stored."""

import asyncio
import time
from typing import Any

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from psycopg.rows import dict_row

from schema import topics
from schema.database import database_url, kafka_bootstrap
from schema.heartbeat import WELL_SECONDS
from urbanclear.errors import ConfigurationError
from urbanclear.settings import OFF, Settings

TIMEOUT_SECONDS = 15.0
BEATING_PARTS = ("ingest", "alerting", "forecast")
UNKNOWN = {"ok": False, "problem": "not known: the database does not answer"}

_HEARTBEATS = "SELECT part, extract(epoch FROM now() - max(time))::float8 AS age_s FROM heartbeats GROUP BY part"
_COUNTS = """
    SELECT (SELECT count(*) FROM sensors) AS sensors, (SELECT coalesce(sum(readings), 0) FROM area_1d) AS readings,
           (SELECT count(*) FROM incidents) AS incidents, (SELECT count(*) FROM weather) AS weather
"""
_NEWEST = "SELECT max(time) AS time FROM latest_readings"


async def gather(settings: Settings) -> dict[str, Any]:
    """The report; `ok` is false when any part is unwell, and that part's `problem` says why."""
    database, kafka, api = await asyncio.gather(
        _guarded(_database(settings)), _guarded(_kafka(settings)), _guarded(_api(settings))
    )
    heartbeats = database.pop("heartbeats", {})
    parts = {
        "database": database,
        "kafka": kafka,
        "api": api,
        **{part: _beat(heartbeats.get(part)) if database["ok"] else UNKNOWN for part in _beating(settings)},
    }
    return {"ok": all(part["ok"] for part in parts.values()), "parts": parts}


def _beating(settings: Settings) -> tuple[str, ...]:
    """The parts that have to be there."""
    return BEATING_PARTS if settings.nightly_at == OFF else (*BEATING_PARTS, "jobs")


async def _guarded(check: Any) -> dict[str, Any]:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return {"ok": True, **await check}
    except TimeoutError:
        return {"ok": False, "problem": f"no answer within {TIMEOUT_SECONDS:.0f} s"}
    except (ConfigurationError, psycopg.Error, KafkaError, httpx.HTTPError, OSError) as error:
        return {"ok": False, "problem": str(error).strip() or repr(error)}


async def _database(settings: Settings) -> dict[str, Any]:
    connection = await psycopg.AsyncConnection.connect(
        database_url(settings), connect_timeout=5, row_factory=dict_row, autocommit=True
    )
    async with connection:
        began = time.perf_counter()
        counts = await (await connection.execute(_COUNTS)).fetchone()
        newest = await (await connection.execute(_NEWEST)).fetchone()
        beats = await (await connection.execute(_HEARTBEATS)).fetchall()
        return {
            "rows": counts,
            "newest_reading": newest["time"].isoformat() if newest and newest["time"] else None,
            "query_ms": round((time.perf_counter() - began) * 1000, 1),
            "heartbeats": {row["part"]: row["age_s"] for row in beats},
        }


async def _kafka(settings: Settings) -> dict[str, Any]:
    bootstrap = kafka_bootstrap(settings)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await asyncio.gather(consumer.start(), admin.start())
        described = await admin.describe_topics([topic.name for topic in topics.ALL])
        places = [TopicPartition(t["topic"], p["partition"]) for t in described for p in t["partitions"]]
        ends = await consumer.end_offsets(places)
        committed = await admin.list_consumer_group_offsets(settings.ingest_group)
    finally:
        await asyncio.gather(consumer.stop(), admin.close())
    offsets = {t.name: sum(end for place, end in ends.items() if place.topic == t.name) for t in topics.ALL}
    behind = [end - committed[place].offset for place, end in ends.items() if place in committed]
    return {"offsets": offsets, "lag": sum(max(0, messages) for messages in behind)}


async def _api(settings: Settings) -> dict[str, Any]:
    url = f"http://{settings.api_host}:{settings.api_port}/health/ready"
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        answer = await client.get(url)
    if answer.status_code not in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE):
        return {"ok": False, "url": url, "problem": f"answers {answer.status_code}"}
    return {"url": url, "version": answer.json()["version"]}


def _beat(age_s: float | None) -> dict[str, Any]:
    if age_s is None:
        return {"ok": False, "problem": "has never been seen by this database"}
    well = age_s <= WELL_SECONDS
    report: dict[str, Any] = {"ok": well, "heartbeat_age_s": round(age_s, 1)}
    return report if well else {**report, "problem": f"last heartbeat {age_s:.0f} s ago"}
