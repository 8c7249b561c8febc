"""Everything the API does is in its OpenAPI document, and no request brings it down."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.api.alerting import add_alerts, add_notification, alert_row
from tests.api.conftest import KEY, LiveApi
from tests.api.resources.conftest import NOON, filled
from tests.batch import clusters_of, insights_of, profile_of, run_of

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "allow_header_conformance",
)
#: A stream of events has no end that could be waited for.
ENDLESS = ("--exclude-path-regex", "/stream/")
ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / ".artifacts"


@pytest.mark.parametrize("phase", ["examples,coverage", "fuzzing"])
async def test_no_request_finds_a_status_or_a_shape_that_is_not_documented(
    live_api: LiveApi, database_url: str, phase: str
) -> None:
    """Schemathesis asks whatever the document allows, and much that it does not."""
    report = ARTIFACTS / f"contract-{phase.partition(',')[0]}.txt"
    report.parent.mkdir(exist_ok=True)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE api_keys SET id = 2000000011")  # that it does not revoke its own key
        connection.execute("INSERT INTO heartbeats VALUES ('alerting', 'test', now() + interval '1 day')")
    async with filled(database_url) as city:
        line = {"type": "LineString", "coordinates": [[-73.999, 40.708], [-73.9905, 40.701]]}
        await city.sensor("bridge", kind="link", geometry=Jsonb(line), free_flow_speed_kmh=60)
        await clusters_of(city, await run_of(city, "clusters", NOON), "t:side", "t:Main Street-0")
        await insights_of(city, await run_of(city, "insights", NOON))
        await profile_of(city, await run_of(city, "patterns", NOON), "area", "Manhattan", "weekday", 33)
        add_alerts(database_url, alert_row("01jz5k3v8m"), alert_row("over", state="resolved"))
        add_notification(database_url, "slow-3f2c:on-call:0", "01jz5k3v8m")
        code = await asked(live_api.url, phase, report)
    assert code == 0, report.read_text()[-6_000:]
    async with httpx.AsyncClient(base_url=live_api.url, trust_env=False) as client:
        assert (await client.get("/health/ready")).status_code == 200


async def asked(url: str, phase: str, report: Path) -> int:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
    options = ["--checks", ",".join(CHECKS), "--phases", phase, "--continue-on-failure", "--no-color"]
    amount = ["--max-examples", "15", "--seed", "1", "--workers", "1", "--suppress-health-check", "all"]
    with report.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(*command, *options, *amount, *ENDLESS, "--header", f"Authorization: Bearer {KEY}"),
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
            cwd=report.parent,
        )
        return await process.wait()
