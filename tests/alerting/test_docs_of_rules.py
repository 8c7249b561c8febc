"""The rules shown in the docs can be written and evaluated, and the table of defaults has each of them."""

import re
from datetime import UTC, datetime
from pathlib import Path

from alerting.applying import DEFAULTS
from alerting.conditions import Context, observe
from alerting.definitions_files import read_files
from schema.alerting.rules import Rule
from tests.alerting.watching import Watch

PAGE = (Path(__file__).parents[2] / "docs" / "alerting.md").read_text()
KINDS = {"threshold", "deviation", "forecast", "incident", "anomaly", "silence", "sql"}


async def test_every_rule_in_the_docs_is_one_and_can_be_evaluated(watch: Watch, tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)):
        (tmp_path / f"{number}.yaml").write_text(block)
    found, problems = read_files([tmp_path])
    assert problems == []
    rules = [one.definition for one in found if isinstance(one.definition, Rule)]
    assert {rule.when.kind for rule in rules} == KINDS
    async with watch.engine.connect() as connection:
        for rule in rules:
            assert await observe(connection, rule, Context(datetime.now(UTC), "America/New_York", "US")) == []


async def test_every_default_rule_can_be_evaluated_and_is_in_the_table(watch: Watch) -> None:
    found, _ = read_files([DEFAULTS / "rules.yaml"])
    rules = [one.definition for one in found if isinstance(one.definition, Rule)]
    async with watch.engine.connect() as connection:
        for rule in rules:
            assert await observe(connection, rule, Context(datetime.now(UTC), "America/New_York", "US")) == []
    table = re.findall(r"^\| `([a-z-]+)` \| .* \| (low|medium|high|critical|by severity) \|$", PAGE, re.MULTILINE)
    assert table == [(rule.name, str(rule.priority).replace("_", " ")) for rule in rules]
