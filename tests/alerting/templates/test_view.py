"""What templates see of a message."""

from alerting.templates.view import headline, view
from tests.alerting.outbox import message, told


def labels(**of: str | list[str]) -> dict[str, str]:
    shown = view(message("n", told(labels=of)), "UTC", None)["alerts"][0]["labels"]
    return {label["name"]: label["value"] for label in shown}


def test_labels_are_in_the_order_of_their_names() -> None:
    assert list(labels(road="FDR", area="Queens", direction="N")) == ["area", "direction", "road"]


def test_labels_that_repeat_the_alert_are_not_shown() -> None:
    repeated: dict[str, str | list[str]] = {
        "kind": "threshold", "rule": "congestion", "subject": "nyc-dot:1", "priority": "high",
        "description": "A lane is closed", "runbook": "https://runbooks.example/1", "sensor": ["nyc-dot:1"],
    }  # fmt: skip
    assert labels(area="Queens", **repeated) == {"area": "Queens"}
    assert labels(sensor=["nyc-dot:1", "nyc-dot:2"]) == {"sensor": "nyc-dot:1, nyc-dot:2"}


def test_a_headline_begins_with_the_number_of_alerts_where_there_are_several() -> None:
    two, other = (told("a1"), told("a2")), told("a3", rule="silence")
    assert headline(message("n", told())) == "Broadway is slow"
    assert headline(message("n", *two)) == "2 alerts of congestion, first: Broadway is slow"
    assert headline(message("n", *two, other)) == "3 alerts, first: Broadway is slow"
