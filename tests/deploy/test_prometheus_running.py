"""A real Prometheus asks real parts: all answer, every rule is evaluated, and dashboards have what they show."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bench.running_stack import running_stack
from tests.api.conftest import bearer
from tests.deploy import asked
from tests.deploy.prometheus import Prometheus, running_prometheus
from tests.waiting import until
from urbanclear import slo
from urbanclear.embedded import state
from urbanclear.settings import Settings

JUDGED_SECONDS = 120.0
SCRAPED = ("api", "ingest", "alerting", "forecast", "source")
OBJECTIVES = {one.name: one.target for one in slo.objectives(Settings())}

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


@pytest.fixture
async def watched(
    kafka_bootstrap: str, empty_database_url: str, tmp_path: Path
) -> AsyncIterator[tuple[Prometheus, str]]:
    """A stack with the simulator: Prometheus, and the API's address."""
    given = {
        "URBANCLEAR_DATABASE_URL": empty_database_url,
        "URBANCLEAR_KAFKA_BOOTSTRAP": kafka_bootstrap,
    }
    simulated = ("--source", "simulator", "--history", "10m")
    async with running_stack(tmp_path / "stack", *simulated, environment=given) as stack:
        (tmp_path / "prometheus").mkdir()
        async with running_prometheus(tmp_path / "prometheus", tmp_path / "stack" / state.TARGETS) as prometheus:
            yield prometheus, stack.url


async def visit(url: str) -> None:
    """As somebody who may, and as somebody with a wrong key."""
    async with httpx.AsyncClient(trust_env=False) as visitor:
        assert (await visitor.get(url)).status_code == httpx.codes.OK
        refused = await visitor.get(url, headers=bearer("wrong"))
        assert refused.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS)


async def test_all_parts_answer_every_rule_is_evaluated_and_every_objective_judged(
    watched: tuple[Prometheus, str],
) -> None:
    prometheus, url = watched
    left: dict[str, float] = {}

    async def all_up() -> bool:
        up = await prometheus.value("sum by (job) (up)")
        return up == {f"urbanclear-{part}": 1.0 for part in SCRAPED}

    async def judged() -> bool:
        nonlocal left
        await visit(f"{url}/api/v1/traffic/current")
        left = await prometheus.value("sum by (slo) (urbanclear:slo_budget_left:ratio30d)")
        return set(left) == set(OBJECTIVES)

    await until(all_up, what="answers of all parts")
    try:
        await until(judged, timeout=JUDGED_SECONDS, what="a budget of each objective")
    except AssertionError:
        raise AssertionError(f"budgets are known of {left} alone") from None
    assert await prometheus.value("sum by (slo) (urbanclear:slo_target:ratio)") == OBJECTIVES
    assert left["availability"] == 1.0
    rules = [rule for group in (await prometheus.ask("rules"))["groups"] for rule in group["rules"]]
    assert len(rules) == len(asked.rules())
    assert [rule["name"] for rule in rules if rule["health"] != "ok" or rule.get("lastError")] == []
    there = set(await prometheus.ask("label/__name__/values"))
    shown = {title: text for title, text in asked.of_dashboards().items() if asked.named(text) <= there}
    assert len(shown) > 30

    empty: list[str] = []

    async def all_shown() -> bool:
        nonlocal empty
        await visit(f"{url}/api/v1/traffic/current")
        empty = [title for title, text in shown.items() if not (await prometheus.ask("query", query=text))["result"]]
        return empty == []

    try:
        await until(all_shown, what="something in every panel")
    except AssertionError:
        raise AssertionError(f"nothing is in {empty}") from None
