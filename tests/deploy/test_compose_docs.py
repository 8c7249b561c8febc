"""docs/compose.md says what docker-compose.yml does."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.commands import parse
from tests.deploy.compose import FILE, OF_COMPOSE, ROOT, VARIABLE, docker_compose, own_commands
from urbanclear.settings import Settings

PAGE: Final = (ROOT / "docs" / "compose.md").read_text()
SERVICES: Final[Mapping[str, Any]] = yaml.safe_load(FILE.read_text())["services"]


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table whose first cell is headed so, by that cell."""
    after = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in after]
    return {row[0]: row[1:] for row in rows}


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_service_is_told_with_its_profile_and_port() -> None:
    told = table("service")
    assert [name.strip("`") for name in told] == list(SERVICES)
    for name, service in SERVICES.items():
        profile, _, place = told[f"`{name}`"]
        assert quoted(profile) == service["profiles"]
        assert [word for word in quoted(place) if word.endswith("_PORT")] == VARIABLE.findall(
            " ".join(service.get("ports", []))
        )


def test_the_command_that_is_told_of_a_part_is_the_one_it_runs() -> None:
    commands = {name: VARIABLE.sub("", " ".join(words)).split() for name, words in own_commands(SERVICES)}
    for name, row in table("service").items():
        for command in [word for word in quoted(row[1]) if word.startswith("urbanclear ")]:
            words = command.split()[1:]
            assert commands[name.strip("`")][: len(words)] == words


def test_every_variable_is_told() -> None:
    told = [name for cell in table("variable of `.env`") for name in quoted(cell)]
    assert sorted(told) == sorted(set(VARIABLE.findall(FILE.read_text())) | OF_COMPOSE)


def test_every_user_is_told() -> None:
    running: dict[str, list[str]] = {}
    for name, service in SERVICES.items():
        if not service["image"].startswith("urbanclear:"):
            running.setdefault(service["user"], []).append(name)
    own = {service["user"] for service in SERVICES.values() if service["image"].startswith("urbanclear:")}
    told = {user.strip("`"): quoted(row[0]) for user, row in table("user").items()}
    assert told == {**{user: [] for user in own}, **running}


def test_the_limits_that_are_told_are_the_sums() -> None:
    def gigabytes(*profiles: str) -> float:
        limits = [
            str(service["deploy"]["resources"]["limits"]["memory"])
            for service in SERVICES.values()
            if not profiles or service["profiles"][0] in profiles
        ]
        return sum(float(limit[:-1]) * {"g": 1, "m": 1 / 1024}[limit[-1]] for limit in limits)

    assert f"at most {gigabytes('core'):.0f} GB of memory for `core`, {gigabytes():.0f} GB for all" in PAGE


def test_every_volume_is_told_whether_it_is_worth_keeping() -> None:
    said = PAGE[PAGE.index("## Back up") : PAGE.index("## Pin digests")]
    assert set(yaml.safe_load(FILE.read_text())["volumes"]) <= set(quoted(said))


def test_versions_in_it_are_those_that_run() -> None:
    images = {service["image"] for service in SERVICES.values()}
    assert [name for name in re.findall(r"image: (\S+)@", PAGE) if name not in images] == []
    [kept] = re.findall(r"(\d+) days\s+of metrics", PAGE)
    assert f"--storage.tsdb.retention.time={kept}d" in SERVICES["prometheus"]["command"]


def test_settings_in_it_are_ones_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict(re.findall(r"^    (URBANCLEAR_[A-Z_]+)=(.+)$", PAGE, re.MULTILINE))
    assert given
    for name, value in given.items():
        assert name.removeprefix("URBANCLEAR_").lower() in Settings.model_fields
        monkeypatch.setenv(name, value)
    Settings()


def test_commands_of_compose_name_services_that_there_are() -> None:
    lines = re.findall(r"docker compose ((?:exec|logs)\b.*)", PAGE)
    named = [re.sub(r" --\S+", "", line).split()[1] for line in lines]
    assert len(named) >= 4
    assert [name for name in named if name not in SERVICES] == []
    assert [name for name in re.findall(r"--scale ([a-z-]+)=", PAGE) if name not in SERVICES] == []


def test_commands_of_urbanclear_within_a_service_are_ones_that_it_has() -> None:
    commands = re.findall(r"docker compose exec \S+ urbanclear (.+)", PAGE)
    assert commands
    for command in commands:
        parse(shlex.split(command))


def test_the_override_for_a_release_makes_the_image_be_taken(tmp_path: Path) -> None:
    compose = docker_compose()
    if compose is None:
        pytest.skip("no Docker Compose: install it to have it read the override")
    override = tmp_path / "override.yml"
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    override.write_text(text)
    asked = [*compose, "-f", str(FILE), "-f", str(override), "--profile=*", "config", "--no-interpolate"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    schema = yaml.safe_load(done.stdout)["services"]["schema"]
    assert "build" not in schema
    assert schema["pull_policy"] == "never"
