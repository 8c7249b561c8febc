"""What Prometheus is given: what it takes, rules about metrics that are there, alerts that are explained."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from grafana.alerts.system import RULES as SYSTEM_RULES
from grafana.asked import boards, panels
from spark.jobs import JOBS
from tests.deploy import asked
from tests.deploy.asked import FOLDER, ROOT, RULE_FILES
from urbanclear import slo
from urbanclear.embedded import state
from urbanclear.embedded.ports import choose
from urbanclear.embedded.stack import PORTS
from urbanclear.settings import LOOPBACK, Settings

ON_CALL = (ROOT / "docs" / "on-call.md").read_text()
TESTS = sorted((FOLDER / "rules" / "tests").glob("*.yml"))
ALERTS = asked.alerts()
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: install Debian's package prometheus to run this"
)


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_its_configuration_and_its_rules() -> None:
    for name in ("prometheus.yml", "local.yml"):
        promtool("check", "config", str(FOLDER / name))
    promtool("check", "rules", "--lint-fatal", *map(str, RULE_FILES))


@needs_promtool
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_are_to_and_not_otherwise(file: Path) -> None:
    promtool("test", "rules", str(file))


@needs_promtool
def test_prometheus_understands_what_dashboards_ask(tmp_path: Path) -> None:
    rules = [
        {"record": f"asked:{number}", "expr": expr} for number, expr in enumerate(asked.of_dashboards().values())
    ]
    assert rules
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    promtool("check", "rules", str(tmp_path / "asked.yml"))


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tried_firing_and_at_rest(alert: str) -> None:
    cases = [
        case["exp_alerts"]
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]
    assert {bool(expected) for expected in cases} == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["annotations"]["runbook_url"] == f"docs/on-call.md#{alert.lower()}"


def test_on_call_has_a_section_for_each_alert_and_for_no_other() -> None:
    assert sorted(re.findall(r"^## (Urbanclear\w+)$", ON_CALL, re.MULTILINE)) == sorted(ALERTS)
    sections = {section.lower().replace(" ", "-") for section in re.findall(r"^## (.+)$", ON_CALL, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", ON_CALL)) <= sections


def test_every_metric_that_rules_and_dashboards_name_exists() -> None:
    expressions = [*(rule["expr"] for rule in asked.rules()), *asked.of_dashboards().values()]
    names = {name for expression in expressions for name in asked.named(expression)}
    assert len(names) > 30
    assert names - asked.told() - asked.recorded() == set()


def test_no_metric_has_a_label_that_prometheus_itself_gives() -> None:
    labels = asked.labels()
    assert labels["urbanclear_schema_job_failing"] == ("name", "relation")
    assert [name for name, names in labels.items() if {"job", "instance"} & set(names)] == []


@pytest.mark.parametrize(
    ("module", "counter", "series"),
    [
        ("ingest.metrics", "urbanclear_ingest_dead_letters_total", 6),
        ("alerting.delivery.metrics", "urbanclear_alerting_deliveries_total", 15),
    ],
)
def test_counters_whose_labels_are_known_are_there_before_the_first_event(
    module: str, counter: str, series: int
) -> None:
    tell = f"import {module}, prometheus_client as p; print(p.generate_latest().decode())"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    values = re.findall(rf"^{counter}{{.+}} (.+)$", done.stdout, re.MULTILINE)
    assert values == ["0.0"] * series


def test_every_recorded_series_is_used() -> None:
    expressions = [*(rule["expr"] for rule in asked.rules()), *asked.of_dashboards().values()]
    assert asked.recorded() - {name for expression in expressions for name in asked.named(expression)} == set()


def test_alerts_fire_at_the_burn_rates_that_are_defined() -> None:
    pattern = r"urbanclear:slo_burn:rate(\w+) > ([\d.]+) and urbanclear:slo_burn:rate(\w+) > ([\d.]+)"
    found = [
        slo.Burn(float(rate), long, short, rule["labels"]["severity"])
        for rule in ALERTS.values()
        for long, rate, short, again in re.findall(pattern, rule["expr"])
        if rate == again
    ]
    assert tuple(found) == slo.BURNS


def test_rules_and_dashboards_leave_out_the_requests_that_are_not_judged() -> None:
    expressions = [*(rule["expr"] for rule in asked.rules()), *asked.of_dashboards().values()]
    left_out = {routes for expression in expressions for routes in re.findall(r'route!~"([^"]+)"', expression)}
    assert left_out == {"|".join(slo.NOT_JUDGED)}


def test_rules_of_grafana_name_metrics_that_exist() -> None:
    names = {name for rule in SYSTEM_RULES for name in asked.named(rule.asks)}
    assert {"urbanclear_api_failed_requests_total", "urbanclear_api_slow_requests_total"} < names
    assert names - asked.told() == set()


@needs_promtool
@pytest.mark.parametrize(
    ("name", "bad", "burn"),
    [("api-failing", "failed", 1_000), ("api-slow", "slow", 100)],
)
def test_rules_of_grafana_fire_from_the_first_bad_request_on_and_not_without_any(
    name: str, bad: str, burn: float, tmp_path: Path
) -> None:
    [rule] = [rule for rule in SYSTEM_RULES if rule.name == name]
    counted = {one: f"urbanclear_api_{one}_requests_total" for one in ("judged", "failed", "slow")}
    rises = {**dict.fromkeys(counted, "0x20 _x100"), "judged": "0x10 30x10 _x100", bad: "0x10 30x10 _x100"}
    at_rest = {**dict.fromkeys(counted, "0x20"), "judged": "0x10 30x10"}
    tests = [
        {
            "interval": "15s",
            "input_series": [{"series": counted[one], "values": values} for one, values in series.items()],
            "promql_expr_test": [
                {"expr": f"round({rule.asks})", "eval_time": "4m", "exp_samples": [{"labels": "{}", "value": value}]}
            ],
        }
        for series, value in ((rises, burn), (at_rest, 0))
    ]
    (tmp_path / "grafana.yml").write_text(yaml.safe_dump({"tests": tests}))
    promtool("test", "rules", str(tmp_path / "grafana.yml"))


def test_the_objectives_of_rules_and_docs_are_those_of_the_code() -> None:
    objectives = {one.name: one for one in slo.objectives(Settings())}
    judged = {rule["labels"]["slo"] for rule in asked.rules() if "slo" in rule.get("labels", {})}
    assert judged == set(objectives)
    told = dict(re.findall(r"^\| `(\w+)` \| .+ \| ([\d.]+) % \|$", ON_CALL, re.MULTILINE))
    assert told == {name: f"{100 * one.target:g}" for name, one in objectives.items()}
    rows = [f"| {burn.rate:g} | {burn.long} | {burn.short} | {burn.severity} |" for burn in slo.BURNS]
    assert [row for row in rows if row not in ON_CALL] == []
    bounds = f"within {slo.LATENCY.threshold_s} s", f"no older than {slo.FORECASTS.threshold_s:.0f} s"
    assert [bound for bound in bounds if bound not in ON_CALL] == []


def test_each_job_of_the_night_is_watched() -> None:
    [watched] = re.findall(r'batch=~"([^"]+)"', ALERTS["UrbanclearNightlyJobLate"]["expr"])
    assert watched.split("|") == list(JOBS)


@pytest.mark.parametrize(
    ("panel", "alert"),
    [
        ("Lag", "UrbanclearIngestLagGrows"),
        ("Overdue", "UrbanclearOutboxStuck"),
        ("Since the last success of batch jobs", "UrbanclearNightlyJobLate"),
        ("Refresh lag", "UrbanclearRefreshLags"),
    ],
)
def test_a_panel_turns_red_where_the_alert_fires(panel: str, alert: str) -> None:
    [bound] = re.findall(r"> ([\d* ]+)", ALERTS[alert]["expr"])[:1]
    fires_at = 1.0
    for factor in bound.split("*"):
        fires_at *= float(factor)
    assert red_from(panel) == fires_at


def red_from(title: str) -> float:
    """The highest threshold of a panel of the dashboard System."""
    [panel] = [one for one in panels(boards()["system"]) if one["title"] == title]
    return float(max(step["value"] or 0 for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]))


def test_prometheus_asks_every_part_on_one_port() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    asked_for = {
        scrape["job_name"]: (service["names"], service["port"])
        for scrape in config["scrape_configs"]
        for service in scrape["dns_sd_configs"]
    }
    parts = ("api", "ingest", "alerting", "forecast", "jobs", "stream", "source")
    assert asked_for == {f"urbanclear-{part}": ([part], 9464) for part in parts}


def test_on_one_machine_prometheus_reads_what_the_stack_writes_and_evaluates_the_same_rules(tmp_path: Path) -> None:
    served, local = (yaml.safe_load((FOLDER / name).read_text()) for name in ("prometheus.yml", "local.yml"))
    assert local["rule_files"] == served["rule_files"]
    assert local["global"] == served["global"]
    [[file]] = [service["files"] for scrape in local["scrape_configs"] for service in scrape["file_sd_configs"]]
    assert (FOLDER / file).resolve() == ROOT / Settings.model_fields["data_dir"].default / state.TARGETS
    state.write_targets(tmp_path, {"api": 1, "ingest": 2})
    assert json.loads((tmp_path / state.TARGETS).read_text()) == [
        {"targets": [f"{LOOPBACK}:1"], "labels": {"job": "urbanclear-api"}},
        {"targets": [f"{LOOPBACK}:2"], "labels": {"job": "urbanclear-ingest"}},
    ]
    state.remove_addresses(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_parts_of_one_machine_have_the_jobs_of_any_other() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    parts = {*PORTS, "stream"} - {"postgres", "kafka", "kafka-controller"}
    assert {scrape["job_name"] for scrape in config["scrape_configs"]} == {f"urbanclear-{part}" for part in parts}


def test_on_call_has_the_command_that_starts_prometheus_on_one_machine(tmp_path: Path) -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no Prometheus: install Debian's package prometheus to run this")
    [line] = re.findall(r"^    (prometheus --config.+)$", ON_CALL, re.MULTILINE)
    options = shlex.split(line)[1:]
    named = dict(option.removeprefix("--").split("=", 1) for option in options)
    assert ROOT / named["config.file"] == FOLDER / "local.yml"
    [port] = choose(1, [])
    changed = {"storage.tsdb.path": str(tmp_path), "web.listen-address": f"{LOOPBACK}:{port}"}
    command = [program, *(f"--{name}={value}" for name, value in {**named, **changed}.items())]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        said = []
        for text in started.stderr:
            said.append(text)
            if "ready to receive web requests" in text:
                break
        started.terminate()
        started.communicate()
    assert "ready to receive web requests" in said[-1], said
