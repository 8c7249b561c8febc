"""The Dockerfile: linted, pinned, and of the same versions as everything else."""

import re
import tomllib
from fnmatch import fnmatch
from typing import Final

import yaml

from tests.deploy.compose import FILE, ROOT
from tests.deploy.tools import complaints
from urbanclear.embedded.java import OLDEST_JAVA

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
STAGES: Final = DOCKERFILE.split("\nFROM ")[1:]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_linter_has_nothing_to_say() -> None:
    assert complaints("hadolint", ROOT / "Dockerfile") == ""


def test_it_begins_with_the_python_that_is_supported_pinned_to_its_patch() -> None:
    bases = [stage.split()[0] for stage in STAGES]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", bases[0])
    assert bases[1:] == ["base", "base"]
    assert PROJECT["project"]["requires-python"] == ">=3.11"


def test_it_has_a_java_that_is_new_enough() -> None:
    found = re.search(r"openjdk-(\d+)-jre-headless", DOCKERFILE)
    assert found is not None
    assert int(found[1]) >= OLDEST_JAVA


def test_it_installs_what_the_lock_says_with_the_uv_of_the_lock() -> None:
    locked = {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    assert f"uv=={locked['uv']['version']}" in DOCKERFILE
    syncs = re.findall(r"^ +uv sync .*", DOCKERFILE, re.MULTILINE)
    assert len(syncs) == 2
    assert all("--locked" in sync and "--no-dev" in sync for sync in syncs)


def test_it_runs_urbanclear_as_the_user_that_compose_names() -> None:
    last = STAGES[-1]
    [user] = re.findall(r"^USER (.+)$", last, re.MULTILINE)
    assert user == yaml.safe_load(FILE.read_text())["x-part"]["user"]
    assert f"--uid {user.split(':')[0]} " in last
    assert last.rstrip().endswith('ENTRYPOINT ["urbanclear"]')


def test_it_is_built_of_all_packages_and_of_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert kept == packages | {"pyproject.toml", "uv.lock", "README.md", "LICENSE"}
    left_out = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    assert all(any(fnmatch(name, pattern) for pattern in left_out) for name in (".env", "__pycache__", "a.pyc"))
