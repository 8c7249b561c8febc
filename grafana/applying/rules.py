"""The alert rules of `grafana.alerts`, and how often their groups are evaluated."""

from typing import Final

from grafana_client.api import GrafanaApi

from grafana.alerts import RULES
from grafana.alerts.rule import GROUPS, Group, Rule
from grafana.applying.change import Change, Document, plain
from grafana.applying.connection import found
from grafana.names import FOLDER_UID, POSTGRES, PREFIX
from urbanclear.settings import Settings

KIND: Final = "alert rule"
GROUP_KIND: Final = "rule group"


def meant(settings: Settings) -> list[Rule]:
    """Those whose data source there is."""
    return [rule for rule in RULES if rule.group.source is POSTGRES or settings.prometheus_url is not None]


def document_of(rule: Rule) -> Document:
    """As Grafana's API takes it, which knows its organisation by itself."""
    document = plain(rule.build())
    del document["orgID"]
    return document


def changes(grafana: GrafanaApi, settings: Settings) -> list[Change]:
    """Of the rules that are meant, and then of their groups."""
    rules = meant(settings)
    there = {rule["uid"]: rule for rule in grafana.alertingprovisioning.get_alertrules_all()}
    groups = [group for group in GROUPS if any(rule.group is group for rule in rules)]
    return [
        *(_change(grafana, rule, there.get(rule.uid)) for rule in rules),
        *(_group_change(grafana, group) for group in groups),
    ]


def removals(grafana: GrafanaApi, settings: Settings) -> list[Change]:
    """Of those that are ours and no longer meant."""
    wanted = {rule.uid for rule in meant(settings)}
    there = grafana.alertingprovisioning.get_alertrules_all()
    ours = [rule["uid"] for rule in there if rule["folderUID"] == FOLDER_UID and rule["uid"].startswith(PREFIX)]
    return [_removal(grafana, uid) for uid in ours if uid not in wanted]


def _removal(grafana: GrafanaApi, uid: str) -> Change:
    return Change.removed(KIND, uid, lambda: grafana.alertingprovisioning.delete_alertrule(uid))


def _change(grafana: GrafanaApi, rule: Rule, there: Document | None) -> Change:
    document = document_of(rule)

    def write() -> None:
        if there is None:
            grafana.alertingprovisioning.create_alertrule(document)
        else:
            grafana.alertingprovisioning.update_alertrule(rule.uid, document)

    return Change.between(KIND, rule.uid, there, document, write)


def _group_change(grafana: GrafanaApi, group: Group) -> Change:
    """Grafana makes a group with its first rule; without `rules` in what it is told, only the interval changes."""
    there = found(grafana.alertingprovisioning.get_rule_group, FOLDER_UID, group.name)
    document = {"title": group.name, "folderUid": FOLDER_UID, "interval": group.interval_s}

    def write() -> None:
        grafana.alertingprovisioning.update_rule_group(FOLDER_UID, group.name, document)

    return Change.between(GROUP_KIND, group.name, there, document, write)
