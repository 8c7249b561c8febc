"""All that differs, in the order in which it has to be written."""

from grafana_client.api import GrafanaApi

from grafana.applying import contact_points, dashboards, data_sources, folder, policy, rules
from grafana.applying.change import Change
from urbanclear.settings import Settings


def planned(grafana: GrafanaApi, settings: Settings, *, prune: bool, renew_secrets: bool) -> list[Change]:
    """What is meant, and what is ours and no longer meant, which only `prune` removes."""
    changes = [
        *folder.changes(grafana),
        *data_sources.changes(grafana, settings, renew_secrets=renew_secrets),
        *dashboards.changes(grafana),
        *contact_points.changes(grafana, settings, renew_secrets=renew_secrets),
        *policy.changes(grafana, settings),
        *rules.changes(grafana, settings),
    ]
    removals = [
        *policy.removals(grafana, settings),
        *rules.removals(grafana, settings),
        *contact_points.removals(grafana, settings),
        *dashboards.removals(grafana),
        *data_sources.removals(grafana, settings),
    ]
    return changes + (removals if prune else [change.put_off() for change in removals])


def write(changes: list[Change]) -> None:
    """Write each that is not so already."""
    for change in changes:
        if change.write is not None:
            change.write()
