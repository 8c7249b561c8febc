"""The manifests as Kubernetes would be given them: what `kubectl kustomize` makes of an overlay."""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from subprocess import run
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
KUBECTL: Final = Path(sys.executable).with_name("kubectl")
OVERLAYS: Final = sorted(folder.name for folder in (KUBERNETES / "overlays").iterdir())

Manifest = dict[str, Any]


def asked(*arguments: str) -> list[Manifest]:
    """What kubectl prints, without any cluster; raises `CalledProcessError` where it refuses."""
    told = run([KUBECTL, *arguments], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    return [one for one in yaml.safe_load_all(told.stdout) if one]


@lru_cache
def rendered(overlay: str) -> list[Manifest]:
    return asked("kustomize", str(KUBERNETES / "overlays" / overlay))


def of_kind(overlay: str, kind: str) -> dict[str, Manifest]:
    """By name."""
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] == kind}


def the_only(overlay: str, kind: str) -> Manifest:
    [found] = of_kind(overlay, kind).values()
    return found


def workloads(overlay: str) -> dict[str, Manifest]:
    """What has pods of the repository's own image, by name."""
    return {**of_kind(overlay, "Deployment"), **of_kind(overlay, "Job")}


def pod(workload: Manifest) -> Manifest:
    """Its template: metadata and spec."""
    template: Manifest = workload["spec"]["template"]
    return template


def container(workload: Manifest) -> Manifest:
    [found] = pod(workload)["spec"]["containers"]
    return dict(found)


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """A selector of labels, as the manifests have them: by equality alone."""
    assert set(selector) <= {"matchLabels"}, selector
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def secrets(overlay: str) -> Iterator[tuple[str, str | None]]:
    """The secrets that pods are given, with the key; None for all of their keys."""
    for workload in workloads(overlay).values():
        for variable in container(workload).get("env", []):
            if found := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield found["name"], found["key"]
        for source in container(workload).get("envFrom", []):
            if "secretRef" in source:
                yield source["secretRef"]["name"], None
    for cluster in of_kind(overlay, "Cluster").values():
        for key in ("username", "password"):
            yield cluster["spec"]["bootstrap"]["initdb"]["secret"]["name"], key
