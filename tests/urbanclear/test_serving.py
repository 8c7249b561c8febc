"""Metrics of a part: where they are served, and what is told in them of the objectives."""

import socket

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from urbanclear import slo
from urbanclear.embedded.ports import choose
from urbanclear.errors import StartError
from urbanclear.serving import serve_metrics
from urbanclear.settings import LOOPBACK, Settings


def test_metrics_are_served_where_the_settings_say_and_tell_of_every_objective() -> None:
    [port] = choose(1, [])
    settings = Settings(metrics_port=port, metrics_host="127.0.0.2", slo_freshness="10m")
    serve_metrics(settings)
    text = httpx.get(f"http://127.0.0.2:{port}/metrics", trust_env=False).text
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    targets = {sample.labels["slo"]: sample.value for sample in families["urbanclear_slo_target_ratio"]}
    thresholds = {sample.labels["slo"]: sample.value for sample in families["urbanclear_slo_threshold_seconds"]}
    assert targets == {one.name: one.target for one in slo.objectives(settings)}
    assert thresholds == {"latency": 0.5, "freshness": 600.0, "forecasts": 180.0}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False)


def test_a_taken_port_for_metrics_is_one_sentence() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"Metrics cannot be served on {LOOPBACK}:{port} .*: change URBANCLEAR"):
            serve_metrics(Settings(metrics_port=port))
