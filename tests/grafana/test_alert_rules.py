"""Alert rules are complete, and each one's query has one number for an answer, on both engines."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from grafana.alerts import RULES
from grafana.alerts.data import READINGS_TOO_OLD_S, SILENT_SHARE
from grafana.alerts.rule import GROUPS, Rule
from grafana.applying.rules import document_of
from grafana.expanding import Shown, expanded
from grafana.names import POSTGRES
from grafana.queries import sql_of

OF_SQL = [rule for rule in RULES if rule.group.source is POSTGRES]
BY_NAME = {rule.name: rule for rule in RULES}


@pytest.fixture
def analyst(city: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """As Grafana connects."""
    options = "-c role=urbanclear_analyst -c default_transaction_read_only=on -c statement_timeout=30s"
    with psycopg.connect(city, options=options) as connection:
        yield connection


def answer(connection: psycopg.Connection[tuple[object, ...]], rule: Rule) -> float | None:
    """The number that `rule` asks for, None where there is none; all that Grafana takes for one number."""
    now = datetime.now(UTC)
    query = expanded(sql_of(f"alerts/{rule.asks}"), Shown(now - timedelta(minutes=10), now, timedelta(minutes=1)), {})
    rows = connection.execute(query.encode()).fetchall()
    assert len(rows) <= 1
    if not rows:
        return None
    (number,) = rows[0]
    assert isinstance(number, float), "NULL would be NaN to Grafana, and text a label"
    return number


@pytest.mark.parametrize("rule", OF_SQL, ids=lambda rule: rule.name)
def test_a_query_is_answered_with_one_number(rule: Rule, analyst: psycopg.Connection[tuple[object, ...]]) -> None:
    number = answer(analyst, rule)
    assert number is not None or rule.name == "forecasts-too-old"
    assert number is None or number >= 0


@pytest.mark.parametrize("rule", OF_SQL, ids=lambda rule: rule.name)
def test_nothing_stored_is_no_number_and_no_null(rule: Rule, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        number = answer(connection, rule)
    assert number == (1 if rule.name == "database-away" else None)


def test_readings_that_stopped_are_too_old_and_their_sensors_silent(city: str) -> None:
    with psycopg.connect(city) as connection:
        connection.execute("UPDATE latest_readings SET time = time - interval '20 minutes'")
        age, share = answer(connection, BY_NAME["data-too-old"]), answer(connection, BY_NAME["sensors-silent"])
        connection.rollback()
    assert age is not None
    assert age > READINGS_TOO_OLD_S
    assert share is not None
    assert share > SILENT_SHARE


def test_intervals_of_what_was_not_trained_are_not_judged(city: str) -> None:
    with psycopg.connect(city) as connection:
        assert answer(connection, BY_NAME["forecast-coverage"]) is not None
        connection.execute("DELETE FROM forecast_models")
        assert answer(connection, BY_NAME["forecast-coverage"]) is None
        connection.rollback()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_who_made_it_how_urgent_it_is_and_what_to_do(rule: Rule) -> None:
    document = document_of(rule)
    assert document["labels"] == {"source": "urbanclear", "severity": str(rule.severity)}
    assert set(document["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(document["annotations"].values())
    assert len(rule.uid) <= 40


def test_of_each_data_source_one_rule_alone_fires_while_it_does_not_answer() -> None:
    for source in {id(group.source): group.source for group in GROUPS}.values():
        firing = [rule.name for rule in RULES if rule.group.source is source and rule.failing == "Alerting"]
        assert len(firing) == 1


def test_names_and_titles_are_used_once() -> None:
    assert len({rule.uid for rule in RULES}) == len(RULES)
    assert len({rule.title for rule in RULES}) == len(RULES)
