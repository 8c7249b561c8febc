"""docker-compose.yml starts what there is, safely, with secrets that only its `.env` knows."""

import re
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.deploy.commands import parse
from tests.deploy.compose import (
    FILE,
    OF_COMPOSE,
    ONCE,
    ROOT,
    VARIABLE,
    Service,
    docker_compose,
    filled_in,
    is_own,
    make_env,
    own_commands,
    written,
)
from tests.deploy.tools import complaints
from urbanclear.embedded.jars import locked
from urbanclear.settings import Settings

CORE: Final = "core"
PREFIX: Final = "URBANCLEAR_"
SERVICES: Final = sorted(yaml.safe_load(FILE.read_text())["services"])
each_service = pytest.mark.parametrize("name", SERVICES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `make env` was run."""
    place = tmp_path_factory.mktemp("checkout")
    done = make_env(place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def services(folder: Path) -> dict[str, Service]:
    found = filled_in(written(folder))["services"]
    assert isinstance(found, dict)
    return found


def settings_of(service: Service) -> dict[str, str]:
    return {name: value for name, value in service.get("environment", {}).items() if name.startswith(PREFIX)}


def test_it_follows_the_compose_specification() -> None:
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE) == ""


def test_docker_compose_itself_takes_it_with_what_make_env_wrote(folder: Path) -> None:
    compose = docker_compose()
    if compose is None:
        pytest.skip("no Docker Compose: install it to have it read docker-compose.yml")
    asked = [*compose, "--file", str(FILE), "--env-file", str(folder / ".env"), "config", "--services"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == SERVICES


def test_make_env_writes_every_variable_that_is_used_and_no_other(folder: Path) -> None:
    assert set(VARIABLE.findall(FILE.read_text())) == set(written(folder)) - OF_COMPOSE
    assert "$" not in VARIABLE.sub("", FILE.read_text())


def test_make_env_makes_long_passwords_anew_each_time_for_their_owner_alone(folder: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert make_env(tmp_path).returncode == 0
    passwords = [
        value
        for variables in (written(folder), written(tmp_path))
        for name, value in variables.items()
        if name.endswith("_PASSWORD")
    ]
    assert len(set(passwords)) == len(passwords) >= 6
    assert all(re.fullmatch(r"[A-Za-z0-9]{43}", password) for password in passwords)


def test_make_env_never_writes_over_an_env(folder: Path) -> None:
    before = (folder / ".env").read_text()
    done = make_env(folder)
    assert done.returncode != 0
    assert "error: .env is there already" in done.stderr
    assert (folder / ".env").read_text() == before


def test_what_is_for_compose_changes_nothing_for_make_run(folder: Path) -> None:
    assert Settings(_env_file=folder / ".env") == Settings(_env_file=None)


def test_files_with_secrets_are_kept_out_of_git() -> None:
    names = [".env", "urbanclear.env"]
    ignored = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == names


def test_no_password_is_written_down() -> None:
    text = yaml.safe_load(FILE.read_text())["services"]
    secrets = [
        value
        for service in text.values()
        for name, value in (service.get("environment") or {}).items()
        if name.endswith(("PASSWORD", "TOKEN", "KEY", "SECRET"))
    ]
    assert len(secrets) >= 5
    assert [value for value in secrets if not VARIABLE.fullmatch(value)] == []


@each_service
def test_a_service_is_pinned_and_can_do_little(services: Mapping[str, Service], name: str) -> None:
    service = services[name]
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-pg\d+)?", service["image"])
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "kafka")
    assert "privileged" not in service
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@each_service
def test_a_service_is_bounded_and_its_log_too(services: Mapping[str, Service], name: str) -> None:
    assert set(services[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert set(services[name]["logging"]["options"]) == {"max-size", "max-file"}


@each_service
def test_a_service_says_whether_it_is_well_unless_it_ends(services: Mapping[str, Service], name: str) -> None:
    service = services[name]
    if service["restart"] == ONCE:
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["healthcheck"]["start_period"]


@each_service
def test_a_service_is_reached_from_this_machine_alone(services: Mapping[str, Service], name: str) -> None:
    service = services[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "inside" in service["networks"]
    assert ("outside" in service["networks"]) or not service.get("ports")
    assert "network_mode" not in service


@each_service
def test_a_service_needs_only_what_is_there_with_its_profile(services: Mapping[str, Service], name: str) -> None:
    [profile] = services[name]["profiles"]
    for other, needed in services[name].get("depends_on", {}).items():
        assert services[other]["profiles"] in ([profile], [CORE])
        ends = services[other]["restart"] == ONCE
        assert needed["condition"] == ("service_completed_successfully" if ends else "service_healthy")


def test_what_lies_inside_alone_cannot_reach_the_world(folder: Path) -> None:
    networks = filled_in(written(folder))["networks"]
    assert networks["inside"] == {"internal": True}


def test_all_profiles_are_on_after_make_env(folder: Path, services: Mapping[str, Service]) -> None:
    profiles = {profile for service in services.values() for profile in service["profiles"]}
    assert set(written(folder)["COMPOSE_PROFILES"].split(",")) == profiles


def test_every_volume_is_used_and_declared(folder: Path, services: Mapping[str, Service]) -> None:
    used = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }
    assert used == set(filled_in(written(folder))["volumes"])


def test_every_command_is_one_that_urbanclear_has(services: Mapping[str, Service]) -> None:
    commands = dict(own_commands(services))
    assert {"schema", "ingest", "api", "alerting", "source"} <= set(commands)
    for words in commands.values():
        parse(words)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["ingestion"], "ingestion"),
        (["forecast", "served"], "served"),
        (["source", "simulator", "--nonsense"], "No such option"),
        (["api", "nonsense"], "unexpected extra argument"),
    ],
)
def test_a_command_that_urbanclear_does_not_have_would_be_found(words: list[str], complaint: str) -> None:
    with pytest.raises(Exception, match=complaint):
        parse(words)


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in {"spark-master", "spark-worker"}])
def test_every_setting_exists_and_fits(
    services: Mapping[str, Service], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_of(services[name])
    assert bool(given) == is_own(services[name])
    assert {setting.removeprefix(PREFIX).lower() for setting in given} <= set(Settings.model_fields)
    for setting, value in given.items():
        monkeypatch.setenv(setting, value)
    Settings()


def test_the_api_that_others_reach_wants_keys_and_knows_its_names(services: Mapping[str, Service]) -> None:
    given = settings_of(services["api"])
    assert given["URBANCLEAR_API_HOST"] == "0.0.0.0"
    assert given["URBANCLEAR_ALLOWED_HOSTS"]
    assert "URBANCLEAR_OPEN_READS" not in given


def test_every_part_with_metrics_is_one_that_prometheus_asks(services: Mapping[str, Service]) -> None:
    asked = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    places = [place for job in asked for place in job.get("dns_sd_configs", [])]
    serving = {
        (name, int(given["URBANCLEAR_METRICS_PORT"]))
        for name in services
        if (given := settings_of(services[name])) and services[name]["restart"] != ONCE
    }
    assert {(name, place["port"]) for place in places for name in place["names"]} == serving


def test_the_image_and_the_broker_have_the_versions_of_this_release(services: Mapping[str, Service]) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    assert version is not None
    assert {service["image"] for service in services.values() if is_own(service)} == {f"urbanclear:{version[1]}"}
    [broker] = [jar.version for jar in locked("kafka") if jar.artifact == "kafka_2.13"]
    assert services["kafka"]["image"] == f"apache/kafka:{broker}"


def test_only_one_service_builds_the_image_and_none_takes_it_from_elsewhere(services: Mapping[str, Service]) -> None:
    own = {name: service for name, service in services.items() if is_own(service)}
    assert [name for name, service in own.items() if "build" in service] == ["schema"]
    assert {service["pull_policy"] for name, service in own.items() if name != "schema"} == {"never"}
