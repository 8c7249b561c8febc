"""How the whole is doing: each part's health, Kafka's offsets and lag, the rows stored."""

import asyncio
import time
from typing import Any, LiteralString

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from psycopg.rows import DictRow, dict_row

from schema import topics
from schema.database import database_url, kafka_bootstrap
from schema.heartbeat import WELL_SECONDS
from urbanclear.errors import ConfigurationError
from urbanclear.settings import OFF, Settings

TIMEOUT_SECONDS = 15.0
BEATING_PARTS = ("ingest", "alerting", "forecast")
UNKNOWN = {"ok": False, "problem": "not known: the database does not answer"}

SOON_SECONDS = 5.0
"""For what is not told where it takes longer: a database that is busy with a history counts slowly, and is well."""

TAKEN_UP_SECONDS = 180.0
"""A model that is promoted is looked for each minute, and forecasts from the next full minute on."""

_HEARTBEATS = "SELECT part, extract(epoch FROM now() - max(time))::float8 AS age_s FROM heartbeats GROUP BY part"
_COUNTS = """
    SELECT (SELECT count(*) FROM sensors) AS sensors, (SELECT coalesce(sum(readings), 0) FROM area_1d) AS readings,
           (SELECT count(*) FROM incidents) AS incidents, (SELECT count(*) FROM weather) AS weather
"""
_NEWEST = "SELECT max(time) AS time FROM latest_readings"
_LIMIT = "SELECT set_config('statement_timeout', %s, false)"
_FORECASTING = """
    SELECT newest.model, count(*) AS sensors FROM sensors CROSS JOIN LATERAL (
        SELECT model FROM predictions WHERE sensor_id = sensors.id AND time > now()
        ORDER BY time DESC, made_at DESC LIMIT 1
    ) AS newest GROUP BY newest.model ORDER BY sensors DESC, newest.model
"""
_DUE = """
    SELECT name FROM forecast_models WHERE state = 'in_place' AND promoted_at < now() - make_interval(secs => %s)
"""


async def gather(settings: Settings) -> dict[str, Any]:
    """The report; `ok` is false when any part is unwell, and that part's `problem` says why."""
    database, kafka, api = await asyncio.gather(
        _guarded(_database(settings)), _guarded(_kafka(settings)), _guarded(_api(settings))
    )
    heartbeats, models = database.pop("heartbeats", {}), database.pop("models", {})
    parts = {
        "database": database,
        "kafka": kafka,
        "api": api,
        **{part: _beat(heartbeats.get(part)) if database["ok"] else UNKNOWN for part in _beating(settings)},
    }
    parts["forecast"] = {**parts["forecast"], **models} if parts["forecast"]["ok"] else parts["forecast"]
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
        newest = await (await connection.execute(_NEWEST)).fetchone()
        beats = await (await connection.execute(_HEARTBEATS)).fetchall()
        asked_s = time.perf_counter() - began
        await connection.execute(_LIMIT, [f"{SOON_SECONDS * 1000:.0f}ms"])
        counts = await _soon(connection, _COUNTS)
        return {
            "rows": counts and counts[0],
            "newest_reading": newest["time"].isoformat() if newest and newest["time"] else None,
            "query_ms": round(asked_s * 1000, 1),
            "heartbeats": {row["part"]: row["age_s"] for row in beats},
            "models": await _models(connection),
        }


async def _models(connection: psycopg.AsyncConnection[DictRow]) -> dict[str, Any]:
    """What forecasts how many sensors, and whether a model that was promoted is among it."""
    found = await _soon(connection, _FORECASTING)
    if found is None:
        return {}
    sensors_by_model = {row["model"]: row["sensors"] for row in found}
    due = await (await connection.execute(_DUE, [TAKEN_UP_SECONDS])).fetchone()
    if due and sensors_by_model and due["name"] not in sensors_by_model:
        problem = f"the model in place, {due['name']}, forecasts no sensor: the log of this part says why"
        return {"ok": False, "problem": problem, "models": sensors_by_model}
    return {"models": sensors_by_model}


async def _soon(connection: psycopg.AsyncConnection[DictRow], query: LiteralString) -> list[DictRow] | None:
    """None where the database is too busy to answer in time."""
    try:
        return await (await connection.execute(query)).fetchall()
    except psycopg.errors.QueryCanceled:
        return None


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
