"""The dashboards of `grafana.boards`, in the folder."""

import json
from typing import Final

from grafana_client.api import GrafanaApi

from grafana.applying.change import Change, Document
from grafana.applying.connection import found
from grafana.files import written
from grafana.names import FOLDER_UID, PREFIX, TAG

KIND: Final = "dashboard"
MESSAGE: Final = "urbanclear grafana apply"


def meant() -> list[Document]:
    """All."""
    return [json.loads(text) for text in written().values()]


def changes(grafana: GrafanaApi) -> list[Change]:
    """Of those that are meant."""
    return [_change(grafana, document) for document in meant()]


def removals(grafana: GrafanaApi) -> list[Change]:
    """Of those that are ours and no longer meant."""
    wanted = {document["uid"] for document in meant()}
    tagged = grafana.search.search_dashboards(type_="dash-db", tag=TAG)
    ours = [one["uid"] for one in tagged if one.get("folderUid") == FOLDER_UID and one["uid"].startswith(PREFIX)]
    return [_removal(grafana, uid) for uid in ours if uid not in wanted]


def _removal(grafana: GrafanaApi, uid: str) -> Change:
    return Change.removed(KIND, uid, lambda: grafana.dashboard.delete_dashboard(uid))


def _change(grafana: GrafanaApi, document: Document) -> Change:
    uid = document["uid"]
    there = found(grafana.dashboard.get_dashboard, uid)
    if there is not None and there["meta"].get("provisioned"):
        return Change.left(KIND, uid, "it is provisioned from a file")
    asked = {"dashboard": document, "folderUid": FOLDER_UID, "message": MESSAGE, "overwrite": True}
    before = there and {"dashboard": there["dashboard"], "folderUid": there["meta"].get("folderUid")}
    after = {"dashboard": document, "folderUid": FOLDER_UID}
    return Change.between(KIND, uid, before, after, lambda: grafana.dashboard.update_dashboard(asked))
