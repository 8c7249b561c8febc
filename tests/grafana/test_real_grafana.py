"""In a real Grafana, over a city's real data: dashboards have answers, and an alert rule fires when it should."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from grafana.alerts import RULES
from grafana.applying.rules import document_of
from grafana.asked import Asked, boards, chosen, queries
from grafana.expanding import with_variables
from grafana.names import POSTGRES
from schema.analyst import grant_reading
from schema.dialect import connectable
from tests.grafana.given import Given
from tests.grafana.test_applying import applied
from urbanclear.settings import Settings

ANALYST_PASSWORD = "of-the-analysts"  # noqa: S105
BY_NAME = {rule.name: rule for rule in RULES}


@pytest.fixture
def filled(real_grafana: Given, city: str) -> Given:
    """Everything applied, and the database answering."""
    with connectable(city).begin() as connection:
        grant_reading(connection, Settings.model_validate({"analyst_password": ANALYST_PASSWORD}))
    output = applied(
        real_grafana, env={"URBANCLEAR_DATABASE_URL": city, "URBANCLEAR_ANALYST_PASSWORD": ANALYST_PASSWORD}
    )
    assert "does not answer" not in output
    return real_grafana


def test_grafana_answers_every_query_of_every_dashboard(filled: Given, city: str) -> None:
    troubles: list[str] = []
    with psycopg.connect(city, row_factory=dict_row) as connection:
        for name, board in boards().items():
            assert filled.get(f"/api/dashboards/uid/{board['uid']}")["dashboard"]["title"] == board["title"]
            variables = chosen(connection, board).chosen
            troubles += [why for asked in queries(name, board) if (why := trouble(filled, asked, variables))]
    assert troubles == []


def trouble(grafana: Given, asked: Asked, variables: dict[str, list[str]]) -> str | None:
    """What Grafana says against a query, whose variables its page would have put in."""
    sql = with_variables(asked.sql, variables)
    now = datetime.now(UTC)
    query = {"refId": "A", "datasource": {"uid": POSTGRES.uid, "type": "postgres"}, "format": asked.format}
    span = {"from": str(milliseconds(now - timedelta(days=7))), "to": str(milliseconds(now))}
    answer = grafana.try_to(
        "POST", "/api/ds/query", {"queries": [{**query, "rawSql": sql, "intervalMs": 900_000}], **span}
    )
    error = answer["results"]["A"].get("error") if "results" in answer else json.dumps(answer)
    return f"{asked}: {error}" if error else None


def milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.group.source is POSTGRES])
def test_a_rule_is_evaluated_and_the_city_is_well_or_not_as_its_number_says(name: str, filled: Given) -> None:
    assert evaluated(filled, name) in ({"Normal"} if name != "batch-jobs-late" else {"Normal", "Alerting"})


def test_a_rule_fires_when_readings_stop(filled: Given, city: str) -> None:
    assert evaluated(filled, "data-too-old") == "Normal"
    with psycopg.connect(city, autocommit=True) as connection:
        connection.execute("UPDATE latest_readings SET time = time - interval '3 hours'")
        assert evaluated(filled, "data-too-old") == "Alerting"
        connection.execute("UPDATE latest_readings SET time = time + interval '3 hours'")


def evaluated(grafana: Given, name: str) -> str:
    """The state in which Grafana finds a rule now."""
    document = document_of(BY_NAME[name])
    asked = {"grafana_condition": {"condition": document["condition"], "data": document["data"]}}
    instances: Any = grafana.ask("POST", "/api/v1/rule/test/grafana", asked)["instances"]
    fields = instances[0]["schema"]["fields"]
    number = next(number for number, field in enumerate(fields) if field["name"] == "State")
    (state,) = instances[0]["data"]["values"][number]
    return str(state)


def test_a_policy_that_was_written_is_unlocked_by_resetting_it(real_grafana: Given) -> None:
    applied(real_grafana)
    applied(real_grafana, "--prune", env={})
    real_grafana.ask("DELETE", "/api/v1/provisioning/policies")
    policy = real_grafana.get("/api/v1/provisioning/policies")
    assert not policy.get("provenance")
    assert not policy.get("routes")
