"""What docs/alerts.md shows is understood as it says, and it explains every metric of evaluation and dispatch."""

import json
import re
from pathlib import Path

import yaml
from prometheus_client.metrics import MetricWrapperBase

from alerting import metrics
from alerting.dispatch.routes import routes_of
from schema.alerting.routing import Policy, SilenceRequest
from tests.alerting.stage import START

TEXT = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL))


def test_the_policy_shown_sends_incidents_and_congestion_their_ways() -> None:
    policy = Policy.model_validate(yaml.safe_load(BLOCKS["yaml"])["policy"])

    def taken(**labels: str) -> list[str]:
        return [route.name for route in routes_of(policy, labels)]

    assert taken(kind="incident", priority="critical") == ["incidents"]
    assert taken(rule="area-slow") == ["congestion"]
    assert taken(kind="incident", priority="low") == []


def test_the_silence_shown_holds_on_tuesday_nights() -> None:
    silence = SilenceRequest.model_validate(json.loads(BLOCKS["json"]))
    night = START.replace(day=3, hour=7)  # two o'clock in New York
    assert silence.holds_at(night)
    assert not silence.holds_at(night.replace(day=4))


def test_every_metric_is_explained() -> None:
    ours = {one._name for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)}
    explained = {name.removesuffix("_total") for name in re.findall(r"`(urbanclear_alerting_\w+)`", TEXT)}
    assert explained == ours
