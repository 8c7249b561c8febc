"""All PromQL of the rules and of the dashboards, and the metrics that the parts tell."""

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from grafana.asked import boards, panels

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "prometheus"
RULE_FILES: Final = sorted((FOLDER / "rules").glob("*.yml"))
#: What Grafana puts in for its own macros.
MACROS: Final = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "6h"}
PARTS: Final = ("alerting", "api", "ingest", "schema", "spark")
_OTHERS: Final = ("ingest.sources.run", "urbanclear.slo")
_SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


def rules() -> list[dict[str, Any]]:
    """Of all files, recording and alerting ones."""
    groups = [group for file in RULE_FILES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """By name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> set[str]:
    """The names that recording rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def of_dashboards() -> dict[str, str]:
    """PromQL as Grafana sends it, by dashboard, panel and query."""
    return {
        f"{name}: {panel['title']} {target['refId']}": expanded(target["expr"])
        for name, board in boards().items()
        for panel in panels(board)
        for target in panel.get("targets") or []
        if "expr" in target
    }


def expanded(expression: str) -> str:
    """With Grafana's macros put in."""
    for macro, value in MACROS.items():
        expression = expression.replace(macro, value)
    return expression


def named(expression: str) -> set[str]:
    """The metrics of ours in it, recorded ones as well."""
    return set(re.findall(r"\burbanclear[_:][a-zA-Z0-9_:]+", expression))


def told() -> set[str]:
    """The names of all series that the parts can have."""
    _import_all()
    return {family.name + suffix for family in REGISTRY.collect() for suffix in _SUFFIXES.get(family.type, ("",))}


def labels() -> dict[str, tuple[str, ...]]:
    """Of all metrics that have some, by the metric's name."""
    metrics = [one for module in _import_all() for one in vars(module).values() if isinstance(one, MetricWrapperBase)]
    return {next(iter(one.describe())).name: tuple(one._labelnames) for one in metrics}


def _import_all() -> list[ModuleType]:
    files = [file for part in PARTS for file in (ROOT / part).rglob("metrics.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [importlib.import_module(name) for name in (*names, *_OTHERS)]
