"""docs/grafana.md has every dashboard and alert rule, as they are."""

import re
from pathlib import Path

import pytest

from grafana.alerts import RULES
from grafana.alerts.rule import RUNBOOKS, Rule
from grafana.applying.rules import document_of
from grafana.boards import BOARDS
from grafana.names import POSTGRES, PROMETHEUS, dashboard_uid

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


def test_the_files_for_provisioning_have_the_uids_that_dashboards_ask() -> None:
    assert f"uid: {POSTGRES.uid}" in PAGE
    assert f"`{PROMETHEUS.uid}`" in PAGE
