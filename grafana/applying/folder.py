"""The folder that dashboards and alert rules are in."""

from grafana_client.api import GrafanaApi

from grafana.applying.change import Change
from grafana.applying.connection import found
from grafana.names import FOLDER_TITLE, FOLDER_UID


def changes(grafana: GrafanaApi) -> list[Change]:
    """Of the folder."""
    folder = found(grafana.folder.get_folder, FOLDER_UID)

    def write() -> None:
        if folder is None:
            grafana.folder.create_folder(FOLDER_TITLE, FOLDER_UID)
        else:
            grafana.folder.update_folder(FOLDER_UID, FOLDER_TITLE, overwrite=True)

    return [Change.between("folder", FOLDER_UID, folder, {"title": FOLDER_TITLE}, write)]
