"""`urbanclear alerting notifications` and `preview`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from alerting.applying import DEFAULTS
from alerting.cli import app
from alerting.definitions_files import read_files
from schema.alerting.definitions import write as write_definition
from schema.alerting.rules import Rule
from schema.database import sqlalchemy_url
from tests.alerting.channels.test_email import with_speeds
from tests.alerting.outbox import alert_row, found, message, webhook, write
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

RULE = {
    "name": "congestion",
    "title": "{{ name }} is slow",
    "description": "{{ value }} km/h in {{ labels.area }}",
    "when": {"kind": "threshold", "measure": "speed_kmh", "below": 20},
}


@pytest.fixture
def urbanclear(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)
    get_settings.cache_clear()


def given_up(database_url: str) -> list[str]:
    ids = write(database_url, message(), [webhook(f"https://example.com/{number}") for number in range(2)])
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE notifications SET state = 'given_up', attempts = 3, finished_at = now(), error = '404: [gone]'"
        )
    return ids


def test_what_was_given_up_is_listed_and_tried_anew(database_url: str, urbanclear: Any) -> None:
    ids = given_up(database_url)
    listed = json.loads(urbanclear("notifications", "list", "--given-up", "--json").stdout)
    assert sorted(row["id"] for row in listed) == ids
    assert listed[0]["error"] == "404: [gone]"
    assert json.loads(urbanclear("notifications", "list", "--json").stdout) == []
    assert "[gone]" in urbanclear("notifications", "list", "--given-up").stdout
    assert "1 notification is tried anew" in urbanclear("notifications", "retry", ids[0]).stdout
    row = found(database_url)[ids[0]]
    assert (row["state"], row["attempts"], row["finished_at"]) == ("waiting", 0, None)
    assert "1 notification is tried anew" in urbanclear("notifications", "retry", "--all").stdout
    assert [row["state"] for row in found(database_url).values()] == ["waiting", "waiting"]


def test_ids_are_listed_whole_and_the_beginning_of_one_is_enough(database_url: str, urbanclear: Any) -> None:
    notice = "3f" * 24
    hooks = [webhook(f"https://example.com/{number}") for number in range(2)]
    ids = write(database_url, message(notice), hooks)
    assert set(ids) <= set(urbanclear("notifications", "list").stdout.splitlines())
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE notifications SET state = 'given_up', finished_at = now()")
    for several in ("3f3f", ""):
        with pytest.raises(ConfigurationError, match=f"{ids[0]} and {ids[1]}: write more"):
            urbanclear("notifications", "retry", several)
    with pytest.raises(ConfigurationError, match="No notification called '3_'"):
        urbanclear("notifications", "retry", "3_")
    given_up(database_url)
    assert "1 notification is tried anew" in urbanclear("notifications", "retry", "n1-1").stdout
    assert [id_ for id_, row in found(database_url).items() if row["state"] == "waiting"] == ["n1-1"]
    assert "1 notification is tried anew" in urbanclear("notifications", "retry", "n1").stdout


def test_times_for_programs_are_written_as_the_api_writes_them(database_url: str, urbanclear: Any) -> None:
    write(database_url, message(), [webhook("https://example.com/")])
    [row] = json.loads(urbanclear("notifications", "list", "--json").stdout)
    for name in ("created_at", "next_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row[name])
    assert row["finished_at"] is None


def test_what_cannot_be_tried_anew_is_said(urbanclear: Any) -> None:
    with pytest.raises(ConfigurationError, match="No notification called 'x'"):
        urbanclear("notifications", "retry", "x")
    for words in ([], ["x", "--all"]):
        with pytest.raises(ConfigurationError, match="--all"):
            urbanclear("notifications", "retry", *words)


def write_rules(database_url: str, *rules: Rule) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.begin() as connection:
        for rule in rules:
            connection.execute(write_definition("rule", rule.name, rule, "api", "test", 0))
    engine.dispose()


def test_a_rule_that_has_not_fired_is_shown_with_an_alert_that_says_it_is_made_up(
    database_url: str, urbanclear: Any, tmp_path: Path
) -> None:
    with_speeds(database_url)
    write_rules(database_url, Rule.model_validate(RULE))
    shown = urbanclear("preview", "congestion")
    assert shown.exit_code == 0
    page = (tmp_path / "preview-congestion.html").read_text()
    assert "(made up) Broadway $ _x^ is slow" in page
    assert "19 km/h in" in page
    for channel, part in (
        ("slack", '"attachments"'),
        ("webhook", '"alerts"'),
        ("sms", "(made up)"),
        ("push", "since"),
    ):
        assert part in urbanclear("preview", "congestion", "--channel", channel).stdout
    urbanclear("preview", "congestion", "--channel", "slack", "--to", "slack.json")
    assert json.loads((tmp_path / "slack.json").read_text())["text"].startswith("[MEDIUM] (made up)")


MADE_UP = {
    "city-slow": "Traffic is slow all over the city: 66 % of its normal speed",
    "area-slow": "Traffic in Centre is at 62 % of its normal speed",
    "corridor-slow": "Main Street north takes 4.2 times as long as when it is free",
    "severe-congestion": "Main Street is jammed: 19 % of its free speed",
    "collision": "Collision on Main Street (high)",
    "sensor-silent": "Main Street has said nothing for 63 minutes",
    "source-silent": "The source city has said nothing for 16 minutes",
    "speed-drop": "speed drop at Main Street, 6.3 deviations from normal",
    "readings-late": "Half of all sensors have said nothing for 21 minutes",
    "storm": "Condition at example: wind 1 km/h",
}


def test_an_alert_that_is_made_up_is_just_past_its_rule_s_bound_and_about_what_the_rule_is(
    database_url: str, urbanclear: Any
) -> None:
    found_, _ = read_files([DEFAULTS / "rules.yaml"])
    write_rules(database_url, *(one.definition for one in found_ if isinstance(one.definition, Rule)))
    titles = {}
    for rule in MADE_UP:
        payload = json.loads(urbanclear("preview", rule, "--channel", "webhook").stdout)
        titles[rule] = payload["alerts"][0]["summary"].removeprefix("(made up) ")
    assert titles == MADE_UP


def test_an_alert_that_was_over_before_it_fired_is_not_shown(database_url: str, urbanclear: Any) -> None:
    write_rules(database_url, Rule.model_validate(RULE))
    alert_row(database_url, "a1", "resolved")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alerts SET fired_at = NULL")
    assert "(made up)" in urbanclear("preview", "congestion", "--channel", "sms").stdout


def test_a_rule_that_has_fired_is_shown_with_its_newest_alert(database_url: str, urbanclear: Any) -> None:
    alert_row(database_url, "a1", "firing")
    shown = urbanclear("preview", "congestion", "--channel", "sms").stdout
    assert shown == "[HIGH] slow\n\n"


def test_a_rule_that_is_not_there_is_said(urbanclear: Any) -> None:
    with pytest.raises(ConfigurationError, match="no rule called 'none': known are none"):
        urbanclear("preview", "none")
