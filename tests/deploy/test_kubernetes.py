"""The manifests fit Kubernetes and each other, and name nothing that the code does not have."""

import os
import re
import shlex
from pathlib import Path
from subprocess import run
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from prometheus_client import Gauge

import api.live.metrics
import ingest.metrics
from schema import topics
from tests.deploy.commands import parse
from tests.deploy.kubernetes import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    Manifest,
    asked,
    container,
    of_kind,
    pod,
    rendered,
    secrets,
    selects,
    the_only,
    workloads,
)
from urbanclear import __version__
from urbanclear.embedded.stack import PORTS
from urbanclear.settings import Settings

#: Of whose kinds Kubernetes itself knows nothing.
OPERATORS = {"kafka.strimzi.io", "postgresql.cnpg.io", "monitoring.coreos.com"}
#: `kubectl` talks to servers one release older or newer; these are the ends of what is meant.
RELEASES = ("1.31", "1.37")
TEMPORARY = "/tmp"  # noqa: S108 - of a container, not of this machine
CRDS = os.environ.get("URBANCLEAR_TEST_CRDS")
ASK_KAFKA = {"schema", "ingest", "api", "alerting", "forecast", "stream", "source"}
GUIDE = (ROOT / "docs" / "kubernetes.md").read_text()
PARTS = [(overlay, name) for overlay in OVERLAYS for name in of_kind(overlay, "Deployment")]
ALL = [(overlay, name) for overlay in OVERLAYS for name in workloads(overlay)]


def kustomizations() -> list[Path]:
    return sorted(KUBERNETES.rglob("kustomization.yaml"))


def files_of(kustomization: Path) -> set[Path]:
    """The files and folders that one names, whether they are there or not."""
    stated = yaml.safe_load(kustomization.read_text())
    named = [*stated.get("resources", []), *stated.get("components", [])]
    named += [patch["path"] for patch in stated.get("patches", []) if "path" in patch]
    named += [file for made in stated.get("configMapGenerator", []) for file in made.get("envs", [])]
    return {(kustomization.parent / name).resolve() for name in named}


def test_every_file_is_named_by_a_kustomization() -> None:
    files = {file for file in KUBERNETES.rglob("*") if file.suffix in {".yaml", ".env"}} - set(kustomizations())
    named = set().union(*map(files_of, kustomizations()))
    assert files <= named
    assert [path for path in named if not path.exists()] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("release", RELEASES)
def test_every_manifest_fits_the_schema_of_kubernetes(overlay: str, release: str) -> None:
    own = [one for one in rendered(overlay) if one["apiVersion"].split("/")[0] not in OPERATORS]
    assert len(own) > 20
    for manifest in own:
        kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.skipif(CRDS is None, reason="set URBANCLEAR_TEST_CRDS to a folder of the operators' definitions")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_of_an_operator_fits_its_definition(overlay: str) -> None:
    definitions = operators_definitions(Path(str(CRDS)))
    given = [one for one in rendered(overlay) if one["apiVersion"].split("/")[0] in OPERATORS]
    assert given
    for manifest in [*given, *prometheus_rules()]:
        jsonschema.validate(manifest, definitions[manifest["apiVersion"], manifest["kind"]])


def operators_definitions(folder: Path) -> dict[tuple[str, str], Any]:
    """The schemas in `folder`, by API version and kind."""
    found = {}
    for file in folder.glob("*.yaml"):
        for one in yaml.load_all(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if one and one["kind"] == "CustomResourceDefinition":
                for version in one["spec"]["versions"]:
                    key = (f"{one['spec']['group']}/{version['name']}", one["spec"]["names"]["kind"])
                    found[key] = exact(version["schema"]["openAPIV3Schema"], top=True)
    return found


def exact(definition: Any, *, top: bool = False) -> Any:
    """The same, but nothing that it does not name may be there; Kubernetes would leave that out in silence."""
    if isinstance(definition, list):
        return [exact(one) for one in definition]
    if not isinstance(definition, dict):
        return definition
    inner = {key: exact(value) for key, value in definition.items()}
    if isinstance(pattern := inner.get("pattern"), str) and "(?i)" in pattern:  # Python wants it in front
        inner["pattern"] = "(?i)" + pattern.replace("(?i)", "")
    if (
        "properties" in inner
        and "x-kubernetes-preserve-unknown-fields" not in inner
        and inner.get("type") == "object"
    ):
        inner.setdefault("additionalProperties", False)
    if top:
        inner["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
    return inner


@pytest.mark.parametrize(("overlay", "name"), ALL)
def test_every_command_exists(overlay: str, name: str) -> None:
    one = container(workloads(overlay)[name])
    if "command" in one:
        assert one["command"][0] == "spark-class"
        return
    parse(one["args"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_parts_are_those_that_run_on_one_machine(overlay: str) -> None:
    processes = {*PORTS, "stream"} - {"postgres", "kafka", "kafka-controller"}
    assert {name for name in of_kind(overlay, "Deployment") if not name.startswith("spark-")} == processes


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_exists_and_all_fit_together(overlay: str) -> None:
    settings = the_only(overlay, "ConfigMap")["data"]
    variables = [one["name"] for workload in workloads(overlay).values() for one in container(workload)["env"]]
    ours = [name for name in [*settings, *variables] if name.startswith("URBANCLEAR_")]
    names = {f"URBANCLEAR_{name.upper()}" for name in Settings.model_fields}
    assert set(ours) <= names
    assert "URBANCLEAR_KAFKA_BOOTSTRAP" in settings
    stated = {name.removeprefix("URBANCLEAR_").lower(): value for name, value in settings.items()}
    Settings.model_validate(stated)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_a_manifest(overlay: str) -> None:
    hidden = {f"URBANCLEAR_{name.upper()}" for name, field in Settings.model_fields.items() if is_secret(field)}
    hidden.add("URBANCLEAR_DATABASE_URL")
    assert of_kind(overlay, "Secret") == {}
    assert hidden.isdisjoint(the_only(overlay, "ConfigMap")["data"])
    given = [one for workload in workloads(overlay).values() for one in container(workload)["env"]]
    assert [one["name"] for one in given if one["name"] in hidden and "value" in one] == []


def is_secret(field: Any) -> bool:
    return "SecretStr" in str(field.annotation)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_guide_makes_every_secret_that_is_needed(overlay: str) -> None:
    made = {one["metadata"]["name"]: one for one in made_by_the_guide()}
    for name, key in secrets(overlay):
        assert key is None or key in made[name]["data"]
    assert {name for name, key in secrets(overlay) if key is None} <= set(made)
    database = of_kind(overlay, "Cluster")["urbanclear-database"]["spec"]["bootstrap"]["initdb"]
    assert f":5432/{database['database']}" in GUIDE
    assert f"username={database['owner']}" in GUIDE


def made_by_the_guide() -> list[Manifest]:
    """What its `kubectl create secret` commands would make, where nothing is asked of a cluster."""
    commands = re.findall(r"^ *kubectl (create secret (?:[^\n]*\\\n)*[^\n]*)", GUIDE, re.MULTILINE)
    words = [shlex.split(command.replace("\\\n", " ")) for command in commands]
    return [one for command in words for one in asked(*command, "--dry-run=client", "--output=yaml")]


@pytest.mark.parametrize(("overlay", "name"), ALL)
def test_a_pod_may_do_nothing_but_its_work(overlay: str, name: str) -> None:
    workload = workloads(overlay)[name]
    spec, security = pod(workload)["spec"], container(workload)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert security["readOnlyRootFilesystem"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert container(workload)["image"].endswith(f"/urbanclear:{__version__}")


@pytest.mark.parametrize(("overlay", "name"), ALL)
def test_a_pod_says_what_it_needs(overlay: str, name: str) -> None:
    resources = container(workloads(overlay)[name])["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@pytest.mark.parametrize(("overlay", "name"), ALL)
def test_what_a_pod_mounts_is_there_and_tmp_can_be_written(overlay: str, name: str) -> None:
    workload = workloads(overlay)[name]
    volumes = {one["name"]: one for one in pod(workload)["spec"]["volumes"]}
    mounts = {one["mountPath"]: one["name"] for one in container(workload)["volumeMounts"]}
    assert set(mounts.values()) == set(volumes)
    assert "emptyDir" in volumes[mounts[TEMPORARY]]
    claims = {one["persistentVolumeClaim"]["claimName"] for one in volumes.values() if "emptyDir" not in one}
    assert claims <= set(of_kind(overlay, "PersistentVolumeClaim"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_folders_of_the_settings_are_on_volumes(overlay: str) -> None:
    settings = the_only(overlay, "ConfigMap")["data"]
    writing = {"RESULTS_DIR": "jobs", "MODELS_DIR": "jobs", "STREAM_CHECKPOINT": "stream"}
    for name, part in {**writing, "MODELS_DIR ": "forecast"}.items():
        place = Path(settings[f"URBANCLEAR_{name.strip()}"])
        mounts = container(of_kind(overlay, "Deployment")[part])["volumeMounts"]
        [mount] = [one for one in mounts if place.is_relative_to(one["mountPath"])]
        assert mount.get("readOnly", False) == (part == "forecast")


@pytest.mark.parametrize(("overlay", "name"), PARTS)
def test_every_part_is_probed_at_ports_that_it_has(overlay: str, name: str) -> None:
    one = container(of_kind(overlay, "Deployment")[name])
    ports = {port["name"] for port in one["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asks = one[probe].get("httpGet") or one[probe]["tcpSocket"]
        assert asks["port"] in ports
    paths = {probe: one[probe].get("httpGet", {}).get("path") for probe in ("livenessProbe", "readinessProbe")}
    if name == "api":
        assert paths == {"livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    elif not name.startswith("spark-"):
        assert set(paths.values()) == {"/metrics"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_those_of_the_settings(overlay: str) -> None:
    settings = the_only(overlay, "ConfigMap")["data"]
    ports = [one for part in of_kind(overlay, "Deployment").values() for one in container(part)["ports"]]
    metrics = {one["containerPort"] for one in ports if one["name"] == "metrics"}
    assert metrics == {int(settings["URBANCLEAR_METRICS_PORT"])}
    assert {one["containerPort"] for one in ports if one["name"] == "http"} == {Settings().api_port}


@pytest.mark.parametrize(("overlay", "name"), PARTS)
def test_nodes_can_be_emptied_without_taking_a_part_away_at_once(overlay: str, name: str) -> None:
    labels = pod(of_kind(overlay, "Deployment")[name])["metadata"]["labels"]
    budgets = [one for one in rendered(overlay) if one["kind"] == "PodDisruptionBudget"]
    [budget] = [one["spec"] for one in budgets if selects(one["spec"]["selector"], labels)]
    assert budget["maxUnavailable"] == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_their_own_pods_alone(overlay: str) -> None:
    pods = {name: pod(one)["metadata"]["labels"] for name, one in workloads(overlay).items()}
    for name, part in of_kind(overlay, "Deployment").items():
        assert [other for other, labels in pods.items() if selects(part["spec"]["selector"], labels)] == [name]
    for service in of_kind(overlay, "Service").values():
        [name] = [name for name, labels in pods.items() if service["spec"]["selector"].items() <= labels.items()]
        ports = {port["name"]: port["containerPort"] for port in container(workloads(overlay)[name])["ports"]}
        for port in service["spec"]["ports"]:
            assert port.get("targetPort", port["port"]) in {*ports, *ports.values()}


@pytest.mark.parametrize(("overlay", "name"), ALL)
def test_nothing_reaches_a_pod_or_is_reached_by_it_unless_a_policy_says_so(overlay: str, name: str) -> None:
    workload = workloads(overlay)[name]
    labels, given = pod(workload)["metadata"]["labels"], container(workload)
    policies = {
        policy: one["spec"]
        for policy, one in of_kind(overlay, "NetworkPolicy").items()
        if selects(one["spec"]["podSelector"], labels)
    }
    assert {"Ingress", "Egress"} == set(policies["nothing-but-names"]["policyTypes"])
    asks_database = any(one["name"] == "URBANCLEAR_DATABASE_URL" for one in given["env"])
    assert ("to-the-database" in policies) == (asks_database or name == "spark-worker")
    assert ("to-kafka" in policies) == (
        name in {"schema", "ingest", "api", "alerting", "forecast", "stream", "source"}
    )
    assert ("to-the-internet" in policies) == (name in {"api", "alerting", "source"})
    assert ("from-the-ingress" in policies) == (name == "api")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_policy_is_about_pods_that_there_are_and_is_explained(overlay: str) -> None:
    pods = [pod(one)["metadata"]["labels"] for one in workloads(overlay).values()]
    pods += [{"cnpg.io/cluster": name} for name in of_kind(overlay, "Cluster")]
    for name, policy in of_kind(overlay, "NetworkPolicy").items():
        assert any(selects(policy["spec"]["podSelector"], labels) for labels in pods)
        assert f"| `{name}` |" in GUIDE


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kafka_is_reached_by_its_clients_and_can_keep_what_the_settings_ask(overlay: str) -> None:
    settings = the_only(overlay, "ConfigMap")["data"]
    [(name, kafka)] = of_kind(overlay, "Kafka").items()
    brokers = the_only(overlay, "KafkaNodePool")
    [listener] = kafka["spec"]["kafka"]["listeners"]
    [peer] = listener["networkPolicyPeers"]
    assert settings["URBANCLEAR_KAFKA_BOOTSTRAP"] == f"{name}-kafka-bootstrap:{listener['port']}"
    assert brokers["metadata"]["labels"]["strimzi.io/cluster"] == name
    assert int(settings["URBANCLEAR_KAFKA_REPLICATION"]) <= brokers["spec"]["replicas"]
    assert kafka["spec"]["kafka"]["config"]["min.insync.replicas"] <= int(settings["URBANCLEAR_KAFKA_REPLICATION"])
    assert (
        peer["podSelector"]["matchLabels"]
        == of_kind(overlay, "NetworkPolicy")["to-kafka"]["spec"]["podSelector"]["matchLabels"]
    )
    assert {"KafkaTopic", "KafkaUser"}.isdisjoint(one["kind"] for one in rendered(overlay))
    assert topics.READINGS.partitions is None  # as many as the setting says


def test_models_can_be_read_on_another_node_in_production() -> None:
    assert of_kind("production", "PersistentVolumeClaim")["models"]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_scaling_asks_for_metrics_that_there_are_and_stays_within_what_is_possible() -> None:
    settings = the_only("production", "ConfigMap")["data"]
    scalers = of_kind("production", "HorizontalPodAutoscaler")
    assert metric_of(scalers["ingest"]) == name_of(ingest.metrics.LAG)
    assert metric_of(scalers["api"]) == name_of(api.live.metrics.CLIENTS)
    assert scalers["ingest"]["spec"]["maxReplicas"] == int(settings["URBANCLEAR_KAFKA_PARTITIONS"])
    clients = int(scalers["api"]["spec"]["metrics"][0]["pods"]["target"]["averageValue"])
    assert clients <= Settings().live_clients / 2
    for name, scaler in scalers.items():
        assert scaler["spec"]["minReplicas"] == 2
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert "replicas" not in of_kind("production", "Deployment")[name]["spec"]


def metric_of(scaler: Manifest) -> str:
    return str(scaler["spec"]["metrics"][0]["pods"]["metric"]["name"])


def name_of(gauge: Gauge) -> str:
    return next(iter(gauge.describe())).name


def test_prometheus_asks_every_part() -> None:
    monitor = the_only("production", "PodMonitor")["spec"]
    [endpoint] = monitor["podMetricsEndpoints"]
    for name, part in of_kind("production", "Deployment").items():
        assert selects(monitor["selector"], pod(part)["metadata"]["labels"])
        ports = {port["name"] for port in container(part)["ports"]}
        assert (endpoint["port"] in ports) != name.startswith("spark-")


def prometheus_rules() -> list[Manifest]:
    told = run([KUBERNETES / "prometheus-rules"], check=True, capture_output=True, text=True, timeout=10)
    return [one for one in yaml.safe_load_all(told.stdout) if one]


def test_rules_are_given_to_the_operator_as_they_are() -> None:
    files = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
    given = {one["metadata"]["name"]: one["spec"] for one in prometheus_rules()}
    assert given == {f"urbanclear-{file.stem}": yaml.safe_load(file.read_text()) for file in files}
    assert given


def test_production_does_not_call_for_data_that_its_feed_cannot_give_fresher() -> None:
    assert container(workloads("production")["source"])["args"] == ["source", "live", "nyc-dot"]
    told = the_only("production", "ConfigMap")["data"]["URBANCLEAR_SLO_FRESHNESS"]
    assert Settings.model_validate({"slo_freshness": told}).slo_freshness > Settings().slo_freshness
    for page in ("kubernetes", "compose", "feeds"):
        assert "`URBANCLEAR_SLO_FRESHNESS" in (ROOT / "docs" / f"{page}.md").read_text()


def test_what_is_served_to_the_world_is_the_api_under_the_name_of_the_settings() -> None:
    settings = the_only("production", "ConfigMap")["data"]
    ingress = the_only("production", "Ingress")["spec"]
    [rule], [tls] = ingress["rules"], ingress["tls"]
    [path] = rule["http"]["paths"]
    assert tls["hosts"] == [rule["host"]]
    assert settings["URBANCLEAR_ALLOWED_HOSTS"] == rule["host"]
    assert settings["URBANCLEAR_PUBLIC_URL"] == f"https://{rule['host']}"
    assert path["backend"]["service"]["name"] in of_kind("production", "Service")


def test_the_guide_names_what_there_is() -> None:
    components = {folder.name for folder in (KUBERNETES / "components").iterdir()} - {"every-part"}
    assert {name for name in [*components, *OVERLAYS] if f"| `{name}` |" not in GUIDE} == set()
    paths = re.findall(r"deploy/kubernetes[a-z/-]*", GUIDE)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    workload_names = {name for overlay in OVERLAYS for name in workloads(overlay)}
    named = re.findall(r"\b(?:deploy|job)/(?!kubernetes)([a-z-]+)", GUIDE)
    assert {"api", "schema", "grafana"} <= set(named) <= workload_names
