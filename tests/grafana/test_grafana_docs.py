"""docs/grafana.md has every dashboard and alert rule, as they are."""

import re
from pathlib import Path

import pytest
import yaml

from grafana.alerts import RULES
from grafana.alerts.rule import RUNBOOKS, Rule
from grafana.applying.change import restricted
from grafana.applying.data_sources import meant
from grafana.applying.rules import document_of
from grafana.boards import BOARDS
from grafana.names import dashboard_uid
from urbanclear.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "grafana.md").read_text()
HEADINGS = set(re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE))


def test_every_dashboard_is_in_the_table_and_no_other() -> None:
    table = re.findall(r"^\| \*(.+?)\* \| `(.+?)` \|", PAGE, re.MULTILINE)
    assert table == [(build().build().title, dashboard_uid(name)) for name, build in BOARDS.items()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_its_row_and_its_section_to_which_its_runbook_leads(rule: Rule) -> None:
    name = rf"\[`{rule.name}`\]\(#{rule.name}\)"
    row = rf"^\| {name} \| `{rule.group.name}` \| .+ \| {rule.pending} \| {rule.severity} \|$"
    assert re.search(row, PAGE, re.MULTILINE)
    assert rule.name in HEADINGS
    assert document_of(rule)["annotations"]["runbook_url"] == f"{RUNBOOKS}{rule.name}"
    assert (ROOT / RUNBOOKS.rstrip("#")).is_file()


def test_no_rule_that_is_gone_is_documented() -> None:
    assert set(re.findall(r"^\| \[`(.+?)`\]", PAGE, re.MULTILINE)) == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_bound_that_the_page_has_is_the_rules(rule: Rule) -> None:
    """As it is, as a percentage, or in minutes or hours; that of what is there or not is in words."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| [`{rule.name}`]"))
    for value in rule.bound.values:
        if value > 1 or (0 < value < 1):
            forms = {f"{value:,.0f}", f"{value:.0%}", f"{value / 60:g} minutes", f"{value / 3600:g} hours"}
            assert any(form in row for form in forms), forms


def test_the_data_sources_for_provisioning_are_those_that_are_applied() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)]
    [written] = [block["datasources"] for block in blocks if "datasources" in block]
    settings = Settings.model_validate(
        {
            "grafana_database_url": "postgresql://db.example:5432/city",
            "analyst_password": "$URBANCLEAR_ANALYST_PASSWORD",
            "prometheus_url": "http://prometheus.example:9090",
        }
    )
    assert written == [
        restricted(document, source) for document, source in zip(meant(settings), written, strict=True)
    ]
