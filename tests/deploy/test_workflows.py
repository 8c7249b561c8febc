"""GitHub's workflows are well-formed, pinned, and may do no more than they need; a release says what is new."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.compose import FILE, ROOT
from tests.deploy.tools import complaints

FOLDER: Final = ROOT / ".github" / "workflows"
WORKFLOWS: Final = sorted(FOLDER.glob("*.yml"))
each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
SCRIPT: Final = ROOT / "scripts" / "release_notes.py"


def read(file: Path) -> dict[str, Any]:
    found = yaml.safe_load(file.read_text())
    assert isinstance(found, dict)
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in read(file)["jobs"].values() for step in job["steps"]]


def test_there_are_the_four() -> None:
    assert [file.stem for file in WORKFLOWS] == ["audit", "ci", "image", "release"]


def test_they_have_the_form_that_github_takes() -> None:
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS) == ""


def test_the_linter_of_their_security_has_nothing_to_say() -> None:
    assert complaints("zizmor", "--offline", "--quiet", "--config", FOLDER.parent / "zizmor.yml", FOLDER) == ""


@each_workflow
def test_actions_are_githubs_own_and_pinned_to_a_version(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", name)] == []


@each_workflow
def test_a_workflow_may_read_and_only_a_release_writes(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    writing = [job for job in workflow["jobs"].values() if "permissions" in job]
    assert [job["permissions"] for job in writing] == ([{"contents": "write"}] if file.stem == "release" else [])
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())


def test_ci_has_the_versions_that_compose_has() -> None:
    job = read(FOLDER / "ci.yml")["jobs"]["test"]
    services = yaml.safe_load(FILE.read_text())["services"]
    assert job["services"]["timescaledb"]["image"] == services["timescaledb"]["image"]
    python = re.search(r"^FROM python:(\S+)-slim-(\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert python is not None
    assert job["container"] == f"python:{python[1]}-{python[2]}"


def test_every_uv_is_the_one_of_the_lock() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    [version] = [package["version"] for package in packages if package["name"] == "uv"]
    named = [name for file in WORKFLOWS for name in re.findall(r"uv==(\S+)", file.read_text())]
    assert set(named) == {version}


def release_notes(folder: Path, tag: str) -> "subprocess.CompletedProcess[str]":
    (folder / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    command = [sys.executable, str(SCRIPT), tag]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


CHANGES: Final = (
    "# Changelog\n\n## [Unreleased]\n\n- later\n\n## [0.2.0] - 2026-12-01\n\n- new\n\n## [0.1.0]\n\n- old\n"
)


def test_a_release_is_told_by_its_section_of_the_changelog(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    done = release_notes(tmp_path, "v0.2.0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "- new\n", "")


@pytest.mark.parametrize(
    ("tag", "changes", "said"),
    [
        ("v0.3.0", CHANGES, "The tag is v0.3.0, pyproject.toml has version 0.2.0"),
        ("v0.2.0", CHANGES.replace("- new\n", ""), "CHANGELOG.md has nothing of 0.2.0"),
        ("v0.2.0", CHANGES.replace("## [0.2.0]", "## [0.2.1]"), "CHANGELOG.md has nothing of 0.2.0"),
    ],
)
def test_a_release_without_its_section_or_of_another_version_is_refused(
    tmp_path: Path, tag: str, changes: str, said: str
) -> None:
    (tmp_path / "CHANGELOG.md").write_text(changes)
    done = release_notes(tmp_path, tag)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""
