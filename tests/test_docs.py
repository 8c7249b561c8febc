"""The docs say what the code does: every setting, command, endpoint and topic is in them, and none that is gone."""

import re
from pathlib import Path
from types import ModuleType

import pytest
import typer
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from typer.main import get_command

import alerting.delivery.metrics
import alerting.metrics
import api.access.metrics
import api.graphql.metrics
import api.live.metrics
import api.metrics
import ingest.metrics
import ingest.sources.mqtt.metrics
import schema.metrics
import spark.forecast.serving.metrics
import spark.nightly.metrics
import spark.stream.metrics
import urbanclear.slo
from api.app import create_app
from schema import topics
from schema.alerting.routing import SECRET_PREFIX
from schema.analyst import readable
from urbanclear.cli import app
from urbanclear.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = {file.name: file.read_text() for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
TEST_ONLY = {f"URBANCLEAR_TEST_{name}" for name in ("DATABASE_URL", "CRDS", "GRAFANA_URL", "GRAFANA_PASSWORD")}


def commands(group: object, words: tuple[str, ...] = ()) -> list[str]:
    children = getattr(group, "commands", None)
    if children is None:
        return [" ".join(words)]
    own = [" ".join(words)] if getattr(group, "invoke_without_command", False) else []
    return own + [name for word, child in children.items() for name in commands(child, (*words, word))]


def test_every_setting_is_documented_with_its_meaning_and_no_other_is_named() -> None:
    for name, field in Settings.model_fields.items():
        row = next(line for line in DOCS["settings.md"].splitlines() if f"`URBANCLEAR_{name.upper()}`" in line)
        assert field.description is not None
        assert row.endswith(f"| {field.description} |")
    named = set(re.findall(r"URBANCLEAR_[A-Z0-9_]+[A-Z]", "".join(DOCS.values())))
    named = {name for name in named if not name.startswith(SECRET_PREFIX.rstrip("_"))}
    assert named - TEST_ONLY <= {f"URBANCLEAR_{name.upper()}" for name in Settings.model_fields}


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    known = commands(get_command(app))
    text = "".join(DOCS.values())
    assert [name for name in known if f"urbanclear {name}" not in text] == []
    documented = re.findall(r"`urbanclear ([a-z -]+?)(?: --[a-z]+| PATH)?`", text)
    assert [name for name in documented if name not in known] == []


def test_every_endpoint_is_documented() -> None:
    settings = Settings.model_validate(
        {"database_url": "postgresql://a@127.0.0.1:1/a", "kafka_bootstrap": "127.0.0.1:1"}
    )
    paths = create_app(settings).openapi()["paths"]
    endpoints = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert "POST /api/v1/readings" in endpoints
    assert [endpoint for endpoint in endpoints if f"| `{endpoint}` |" not in DOCS["api.md"]] == []


@pytest.mark.parametrize(
    ("part", "page"),
    [
        (alerting.metrics, "alerts.md"),
        (alerting.delivery.metrics, "notifications.md"),
        (schema.metrics, "schema.md"),
        (spark.stream.metrics, "spark.md"),
        (api.metrics, "api.md"),
        (api.access.metrics, "access.md"),
        (ingest.metrics, "ingest.md"),
        (ingest.sources.mqtt.metrics, "feeds.md"),
        (api.live.metrics, "live.md"),
        (api.graphql.metrics, "graphql.md"),
        (spark.nightly.metrics, "spark.md"),
        (spark.forecast.serving.metrics, "forecasts.md"),
        (urbanclear.slo, "on-call.md"),
    ],
)
def test_every_metric_is_documented_where_its_part_is(part: ModuleType, page: str) -> None:
    metrics = [metric for metric in vars(part).values() if isinstance(metric, MetricWrapperBase)]
    names = [
        next(iter(metric.describe())).name + ("_total" if isinstance(metric, Counter) else "") for metric in metrics
    ]
    assert names
    assert [name for name in names if f"| `{name}` |" not in DOCS[page]] == []


def test_every_relation_for_analysts_is_in_their_table() -> None:
    assert [name for name in readable() if f"`{name}`" not in DOCS["sql.md"]] == []


def test_every_topic_is_documented() -> None:
    assert [topic.name for topic in topics.ALL if f"| `{topic.name}` |" not in DOCS["development.md"]] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z]+)", DOCS["README.md"]))
    assert {"run", "test"} <= named
    assert [target for target in named - {"alone"} if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("name", sorted(DOCS))
def test_links_between_documents_lead_somewhere(name: str) -> None:
    folder = ROOT if name == "README.md" else ROOT / "docs"
    targets = [target for target in re.findall(r"\]\(([^)#]+)", DOCS[name]) if "://" not in target]
    assert [target for target in targets if not (folder / target).exists()] == []


def test_every_page_is_in_the_index() -> None:
    assert set(DOCS) - {"README.md", "index.md"} == set(re.findall(r"\]\(([a-z-]+\.md)\)", DOCS["index.md"]))


def test_help_is_there_for_every_command() -> None:
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert all(command.help or command.short_help for command in group.commands.values())
