"""The rules of the house, held by the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = {"ingest", "api", "spark", "grafana", "alerting", "bench"}
SHARED = {"urbanclear", "schema"}
#: The one file that knows every part: it puts their commands together.
COMMAND = ROOT / "urbanclear" / "cli.py"


def modules() -> Iterator[Path]:
    for folder in sorted(PARTS | SHARED):
        yield from sorted((ROOT / folder).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The first word of each module that `file` imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("file", list(modules()), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_part_imports_what_is_shared_and_never_another_part(file: Path) -> None:
    own = file.relative_to(ROOT).parts[0]
    others = imported(file) & (PARTS - {own})
    assert not others or file == COMMAND, f"imports {others}"


def test_only_the_schema_knows_which_engine_keeps_the_time_series() -> None:
    knowing = {file.relative_to(ROOT).parts[0] for file in modules() if "timescaledb" in file.read_text()}
    assert knowing <= {"schema"}


def test_only_commands_print() -> None:
    printing = [
        file
        for file in modules()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_every_module_opens_with_what_it_is_for() -> None:
    silent = [
        file for file in modules() if file.read_text().strip() and not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert silent == []
