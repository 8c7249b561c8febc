"""What objectives are judged by: counters that are there before the first request, and leave out who only looks."""

import subprocess
import sys

import httpx
import pytest
from prometheus_client import REGISTRY

from api import metrics
from tests.api.conftest import LiveApi
from urbanclear import slo

NAMES = [f"urbanclear_api_{name}_requests_total" for name in ("judged", "failed", "slow")]
BOUND_S = slo.LATENCY.threshold_s or 0.0


def told() -> list[float]:
    """Judged, failed and slow requests until now."""
    return [REGISTRY.get_sample_value(name) or 0.0 for name in NAMES]


@pytest.mark.parametrize(
    ("route", "status", "seconds", "counted"),
    [
        ("current", 200, BOUND_S, [1, 0, 0]),
        ("current", 404, 0.01, [1, 0, 0]),
        ("current", 500, 0.01, [1, 1, 0]),
        ("history", 200, BOUND_S + 0.001, [1, 0, 1]),
        ("history", 503, 2 * BOUND_S, [1, 1, 1]),
        *((route, 503, 2 * BOUND_S, [0, 0, 0]) for route in slo.NOT_JUDGED),
    ],
)
def test_a_request_is_judged_by_its_status_and_its_time_unless_somebody_only_looks(
    route: str, status: int, seconds: float, counted: list[float]
) -> None:
    before = told()
    metrics.observe("GET", route, status, seconds)
    assert [after - earlier for after, earlier in zip(told(), before, strict=True)] == counted


def test_the_counters_are_there_before_the_first_request() -> None:
    print_all = "import api.metrics, prometheus_client as p; print(p.generate_latest().decode())"
    done = subprocess.run([sys.executable, "-c", print_all], capture_output=True, text=True, check=True)
    assert [name for name in NAMES if f"{name} 0.0" not in done.stdout.splitlines()] == []


async def test_probes_and_prometheus_are_not_judged_and_whoever_asks_for_data_is(live_api: LiveApi) -> None:
    before = told()
    async with httpx.AsyncClient(base_url=live_api.url, trust_env=False) as client:
        for path in ("/health/live", "/health/ready", "/api/v1/health", "/metrics"):
            assert (await client.get(path)).status_code == httpx.codes.OK
        assert told() == before
        await client.get("/api/v1/sensors")
    assert told()[0] == before[0] + 1
