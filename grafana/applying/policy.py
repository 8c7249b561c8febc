"""Grafana's notification policy, into which our one route is put; all else in it is others' and stays.

There is one policy for the whole of Grafana. Our route comes first and lets alerts go on to the routes after it, so
that it takes nothing away from anybody.
"""

from typing import Final

from grafana_client.api import GrafanaApi

from grafana.applying.change import Change, Document, What
from grafana.applying.contact_points import meant as contact_points
from grafana.names import CONTACT_POINT, SOURCE
from urbanclear.settings import Settings

KIND: Final = "notification policy"
NAME: Final = "route"
MATCHERS: Final = [[name, "=", value] for name, value in SOURCE.items()]
ROUTE: Final[Document] = {
    "receiver": CONTACT_POINT,
    "object_matchers": MATCHERS,
    "group_by": ["alertname", "grafana_folder"],
    "continue": True,
    "group_wait": "30s",
    "group_interval": "5m",
    "repeat_interval": "4h",
}
FROM_FILE: Final = "file"


def changes(grafana: GrafanaApi, settings: Settings) -> list[Change]:
    """Our route, where there is somebody to tell."""
    if not contact_points(settings):
        return []
    tree = _tree(grafana)
    return [_allowed(tree, Change.between(KIND, NAME, _ours(tree), ROUTE, lambda: _write(grafana, ROUTE)))]


def removals(grafana: GrafanaApi, settings: Settings) -> list[Change]:
    """Our route, where it is there and there is nobody to tell."""
    tree = _tree(grafana)
    if contact_points(settings) or _ours(tree) is None:
        return []
    return [_allowed(tree, Change.removed(KIND, NAME, lambda: _write(grafana, None)))]


def _ours(tree: Document) -> Document | None:
    return next((route for route in tree.get("routes") or [] if _is_ours(route)), None)


def _allowed(tree: Document, change: Change) -> Change:
    """`change`, unless the policy is not ours to change."""
    if tree.get("provenance") != FROM_FILE or change.what is What.SAME:
        return change
    what_to_do = "take out" if change.what is What.REMOVED else "write"
    why = f"it is provisioned from a file: {what_to_do} the route for `source = urbanclear` there"
    return Change.left(KIND, NAME, why)


def merged(tree: Document, route: Document | None) -> Document:
    """`tree` with `route` in the place of ours, or first; without ours for None."""
    routes = [one for one in tree.get("routes") or [] if not _is_ours(one)]
    kept = {key: value for key, value in tree.items() if key not in ("routes", "provenance")}
    return {**kept, "routes": routes if route is None else [route, *routes]}


def _is_ours(route: Document) -> bool:
    return bool(route.get("object_matchers") == MATCHERS)


def _tree(grafana: GrafanaApi) -> Document:
    tree: Document = grafana.alertingprovisioning.get_notification_policy_tree()
    return tree


def _write(grafana: GrafanaApi, route: Document | None) -> None:
    """Into the policy as it is by now. Whoever may change it by hand may still do so afterwards, since Grafana 10."""
    tree = _tree(grafana)
    by_hand = not tree.get("provenance")
    grafana.alertingprovisioning.set_notification_policy_tree(merged(tree, route), disable_provenance=by_hand)
