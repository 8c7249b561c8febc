"""`urbanclear grafana apply`, against a Grafana that stands in, and a real one where it is given."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grafana.alerts import RULES
from grafana.boards import BOARDS
from grafana.names import CONTACT_POINT, FOLDER_UID
from schema.analyst import PASSWORD_FILE
from tests.grafana import stand_in
from tests.grafana.contract import VIEWER, VIEWER_PASSWORD
from tests.grafana.given import Given
from urbanclear.cli import app
from urbanclear.errors import ConfigurationError, GrafanaError

PROVISIONING = "/api/v1/provisioning"
NOTHING = "Nothing to change: Grafana has it all as it is meant."
PROMETHEUS = {"URBANCLEAR_PROMETHEUS_URL": "http://127.0.0.1:9"}
TOLD = {
    "URBANCLEAR_GRAFANA_EMAILS": "control-room@city.example,technicians@city.example",
    "URBANCLEAR_GRAFANA_WEBHOOK_URL": "https://tickets.city.example/",
    "URBANCLEAR_GRAFANA_WEBHOOK_TOKEN": "the token of tickets",
}
WHOLE = {**PROMETHEUS, **TOLD}
SYSTEM = [rule.uid for rule in RULES if rule.group.name == "system"]


class SomethingElse(stand_in.StandIn):
    """Answers everything alike."""

    def __init__(self, status: int, said: object) -> None:
        super().__init__()
        self._alike = status, said

    def answer(self, who: str, method: str, path: str, query: dict[str, list[str]], body: Any) -> stand_in.Answer:
        return self._alike


def applied(grafana: Given, *options: str, env: Mapping[str, str | None] = WHOLE) -> str:
    """What the command prints; raises what it raises."""
    base = {
        "URBANCLEAR_GRAFANA_URL": grafana.url,
        "URBANCLEAR_GRAFANA_PASSWORD": grafana.password,
        "URBANCLEAR_DATABASE_URL": "postgresql://somebody:hidden@127.0.0.1:9/city",
        "URBANCLEAR_ANALYST_PASSWORD": "the analysts' password",
    }
    result = CliRunner().invoke(app, ["grafana", "apply", *options], env={**base, **env})
    if result.exception is not None:
        raise result.exception
    return result.output


def counted(grafana: Given, *options: str, env: dict[str, str] = WHOLE) -> Counter[str]:
    """How many were new, changed, the same, removed, left, obsolete."""
    return Counter(json.loads(applied(grafana, "--json", *options, env=env))["counts"])


def changes(grafana: Given, *options: str, env: dict[str, str] = WHOLE) -> dict[str, dict[str, Any]]:
    """Those that are not the same, by kind and name."""
    found = json.loads(applied(grafana, "--json", *options, env=env))["changes"]
    return {f"{one['kind']} {one['name']}": one for one in found if one["what"] != "same"}


def test_a_first_run_writes_everything_and_a_second_one_nothing(grafana: Given) -> None:
    groups = {rule.group.name for rule in RULES}
    everything = 1 + 2 + len(BOARDS) + 2 + 1 + len(RULES) + len(groups)
    first = counted(grafana)
    assert first["new"] + first["changed"] + first["same"] == everything
    assert first["new"] >= everything - len(groups)
    assert counted(grafana) == {"same": everything}
    assert NOTHING in applied(grafana)
    assert NOTHING in applied(grafana, "--prune")


def test_what_is_there_is_what_was_meant(grafana: Given) -> None:
    applied(grafana)
    board = grafana.get("/api/dashboards/uid/urbanclear-city-now")
    assert board["meta"]["folderUid"] == FOLDER_UID
    source = grafana.get("/api/datasources/uid/urbanclear-postgres")
    assert (source["url"], source["user"], source["database"]) == ("127.0.0.1:9", "urbanclear_analyst", "city")
    assert source["secureJsonFields"] == {"password": True}
    assert source["jsonData"]["sslmode"] == "disable"
    rules = {rule["uid"]: rule for rule in grafana.get(f"{PROVISIONING}/alert-rules")}
    assert rules["urbanclear-data-too-old"]["for"] == "5m"
    assert grafana.get(f"{PROVISIONING}/folder/{FOLDER_UID}/rule-groups/data")["interval"] == 60
    first = grafana.get(f"{PROVISIONING}/policies")["routes"][0]
    assert first["receiver"] == CONTACT_POINT
    assert first["object_matchers"] == [["source", "=", "urbanclear"]]


def test_a_dry_run_shows_the_difference_and_writes_nothing(grafana: Given) -> None:
    assert "would be written" in applied(grafana, "--dry-run")
    assert grafana.status("GET", f"/api/folders/{FOLDER_UID}") == 404
    applied(grafana)
    rule = next(rule for rule in grafana.get(f"{PROVISIONING}/alert-rules") if rule["uid"] == "urbanclear-city-slow")
    grafana.ask("PUT", f"{PROVISIONING}/alert-rules/urbanclear-city-slow", {**rule, "for": "45m"})
    shown = applied(grafana, "--dry-run")
    assert "changed  alert rule urbanclear-city-slow" in shown
    assert "-for: 45m" in shown
    assert "+for: 15m" in shown
    assert set(changes(grafana, "--dry-run")) == {"alert rule urbanclear-city-slow"}
    assert set(changes(grafana)) == {"alert rule urbanclear-city-slow"}
    assert NOTHING in applied(grafana)


def test_a_dashboard_that_was_changed_or_moved_is_put_right(grafana: Given) -> None:
    applied(grafana)
    board = grafana.get("/api/dashboards/uid/urbanclear-city-now")["dashboard"]
    grafana.ask("POST", "/api/dashboards/db", {"dashboard": {**board, "title": "Mine"}, "overwrite": True})
    found = changes(grafana)["dashboard urbanclear-city-now"]["difference"]
    assert "-  title: Mine" in found
    assert any(line.startswith("+folderUid") for line in found)
    assert NOTHING in applied(grafana)


def test_what_others_made_is_neither_changed_nor_removed(grafana: Given) -> None:
    theirs = grafana.with_things_of_others()
    applied(grafana, "--prune")
    applied(grafana, "--prune", env={})
    assert grafana.things_of_others() == theirs


def test_prune_removes_what_is_no_longer_meant(grafana: Given) -> None:
    applied(grafana)
    former = {"uid": "urbanclear-former", "title": "Former", "tags": ["urbanclear"], "panels": []}
    grafana.ask("POST", "/api/dashboards/db", {"dashboard": former, "folderUid": FOLDER_UID})
    counts = counted(grafana, env={})
    assert (counts.get("removed"), counts["obsolete"]) == (None, 5 + len(SYSTEM))
    said = applied(grafana, env={})
    assert "obsolete contact point urbanclear-email: no longer meant, --prune would remove it" in said
    assert f"0 of {counts.total()} were written; {counts['obsolete']} are no longer meant" in said
    assert NOTHING not in said
    removed = {name for name, one in changes(grafana, "--prune", env={}).items() if one["what"] == "removed"}
    assert removed == {
        "dashboard urbanclear-former",
        "data source urbanclear-prometheus",
        "contact point urbanclear-email",
        "contact point urbanclear-webhook",
        "notification policy route",
        *(f"alert rule {uid}" for uid in SYSTEM),
    }
    assert NOTHING in applied(grafana, "--prune", env={})
    assert grafana.status("GET", "/api/dashboards/uid/urbanclear-former") == 404
    assert grafana.status("GET", "/api/datasources/uid/urbanclear-prometheus") == 404


def test_secrets_are_sent_anew_when_asked_and_never_shown(grafana: Given) -> None:
    output = applied(grafana) + applied(grafana, "--json") + applied(grafana, "--dry-run", "--renew-secrets")
    for secret in ("the analysts' password", "the token of tickets", "hidden", grafana.password):
        assert secret not in output
    assert set(changes(grafana, "--renew-secrets")) == {
        "data source urbanclear-postgres",
        "contact point urbanclear-webhook",
    }


def test_a_data_source_that_does_not_answer_is_named(grafana: Given) -> None:
    assert "data source urbanclear-postgres does not answer" in applied(grafana)


@pytest.mark.parametrize(
    ("env", "error", "advice"),
    [
        ({"URBANCLEAR_GRAFANA_PASSWORD": "wrong"}, GrafanaError, "refuses the password: set URBANCLEAR_GRAFANA_USER"),
        ({"URBANCLEAR_GRAFANA_TOKEN": "glsa_wrong"}, GrafanaError, "refuses the token: make a new one"),
        ({"URBANCLEAR_GRAFANA_URL": "http://127.0.0.1:9"}, GrafanaError, "cannot be reached"),
        ({"URBANCLEAR_GRAFANA_URL": None}, ConfigurationError, "set URBANCLEAR_GRAFANA_URL or --url"),
        ({"URBANCLEAR_GRAFANA_PASSWORD": None}, ConfigurationError, "set URBANCLEAR_GRAFANA_TOKEN"),
        (
            {"URBANCLEAR_ANALYST_PASSWORD": None},
            ConfigurationError,
            "set URBANCLEAR_ANALYST_PASSWORD .* schema upgrade",
        ),
    ],
)
def test_an_error_says_what_to_do(
    grafana: Given, env: dict[str, str | None], error: type[Exception], advice: str
) -> None:
    with pytest.raises(error, match=advice):
        applied(grafana, env=env)


def test_the_error_names_the_file_in_which_a_stack_of_this_folder_keeps_the_password(
    grafana: Given, tmp_path: Path
) -> None:
    kept = tmp_path / PASSWORD_FILE
    kept.write_text("secret")
    env = {"URBANCLEAR_ANALYST_PASSWORD": None, "URBANCLEAR_DATA_DIR": str(tmp_path)}
    with pytest.raises(
        ConfigurationError, match=r"export URBANCLEAR_ANALYST_PASSWORD=\$\(cat " + re.escape(str(kept))
    ):
        applied(grafana, env=env)


def test_nothing_is_logged_beside_the_error(grafana: Given, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(GrafanaError, match="cannot be reached"):
        applied(grafana, env={"URBANCLEAR_GRAFANA_URL": "http://127.0.0.1:9"})
    assert not caplog.records


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, {"type": "about:blank", "title": "Unauthorized", "status": 401}),
        (200, {"status": "ok"}),
        (404, "<html>not found</html>"),
    ],
)
def test_what_is_no_grafana_is_said_to_be_none(status: int, answer: object) -> None:
    with (
        stand_in.running(SomethingElse(status, answer)) as url,
        pytest.raises(GrafanaError, match=f"What answers at {url}/ is no Grafana: set URBANCLEAR_GRAFANA_URL"),
    ):
        applied(Given(url, "any", is_real=False), env={"URBANCLEAR_GRAFANA_TOKEN": "glsa_any"})


def test_too_few_rights_are_said_to_be_that(grafana: Given) -> None:
    grafana.add_viewer()
    env = {"URBANCLEAR_GRAFANA_USER": VIEWER, "URBANCLEAR_GRAFANA_PASSWORD": VIEWER_PASSWORD}
    with pytest.raises(GrafanaError, match=r"does not allow this .* give the service account the role Admin"):
        applied(grafana, env=env)


def test_the_options_are_stronger_than_the_settings(grafana: Given) -> None:
    with pytest.raises(GrafanaError, match=r"127.0.0.1:9/ cannot be reached"):
        applied(grafana, "--url", "http://127.0.0.1:9")
    with pytest.raises(GrafanaError, match="refuses the token"):
        applied(grafana, "--token", "glsa_wrong")


def test_a_grafana_that_is_too_old_is_refused() -> None:
    with (
        stand_in.running(stand_in.StandIn(version="8.5.27")) as url,
        pytest.raises(GrafanaError, match=r"Grafana 8.5.27 is too old: 9.0 or newer is needed"),
    ):
        applied(Given(url, stand_in.PASSWORD, is_real=False))
