"""docker-compose.yml as Docker Compose reads it: merged, and filled in from an `.env` that `make env` wrote."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"
#: The one form in which the file takes a variable, which has no default: without an `.env` nothing starts.
VARIABLE: Final = re.compile(r"\$\{([A-Z_]+):\?run make env\}")
#: What Docker Compose itself reads.
OF_COMPOSE: Final = {"COMPOSE_PROFILES"}
ONCE: Final = "no"

Service = Mapping[str, Any]


def make_env(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `make env` in `folder`, which is made to look like a checkout."""
    for name in ("Makefile", "scripts"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return subprocess.run(["make", "env"], cwd=folder, capture_output=True, text=True, check=False)


def written(folder: Path) -> dict[str, str]:
    """The variables of the `.env` in `folder`."""
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled_in(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables replaced; raises `KeyError` for one that is not there."""
    found = yaml.safe_load(VARIABLE.sub(lambda match: variables[match[1]], FILE.read_text()))
    assert isinstance(found, dict)
    return found


def docker_compose() -> list[str] | None:
    """How Docker Compose is started on this machine; None where it is not installed."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    asked = ["docker", "compose", "version"]
    found = shutil.which("docker") and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return ["docker", "compose"] if found else None


def is_own(service: Service) -> bool:
    """Whether it runs this project's image."""
    return str(service["image"]).startswith("urbanclear:")


def words_of(service: Service) -> list[str]:
    """What its command is given."""
    command = service["command"]
    return command.split() if isinstance(command, str) else list(command)


def own_commands(services: Mapping[str, Service]) -> Iterator[tuple[str, list[str]]]:
    """The services that run `urbanclear`, with its arguments."""
    for name, service in services.items():
        if is_own(service) and "entrypoint" not in service:
            yield name, words_of(service)
