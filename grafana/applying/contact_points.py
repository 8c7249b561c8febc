"""Whom alerts go to: e-mail and a webhook, each where it is set, together one contact point."""

from typing import Final

from grafana_client.api import GrafanaApi

from grafana.applying.change import Change, Document
from grafana.names import CONTACT_POINT, PREFIX
from urbanclear.settings import Settings

KIND: Final = "contact point"
REDACTED: Final = "[REDACTED]"  # what Grafana answers with in a secret's place


def meant(settings: Settings) -> list[Document]:
    """As they are meant, with their secrets."""
    found = []
    if settings.grafana_emails:
        addresses = {"addresses": ";".join(settings.grafana_emails), "singleEmail": True}
        found.append(_point("email", addresses))
    if settings.grafana_webhook_url is not None:
        found.append(_point("webhook", {"url": str(settings.grafana_webhook_url), **_authorization(settings)}))
    return found


def _point(kind: str, settings: Document) -> Document:
    return {"uid": f"{PREFIX}{kind}", "name": CONTACT_POINT, "type": kind, "settings": settings}


def _authorization(settings: Settings) -> Document:
    token = settings.grafana_webhook_token
    if token is None:
        return {}
    return {"authorization_scheme": "Bearer", "authorization_credentials": token.get_secret_value()}


def changes(grafana: GrafanaApi, settings: Settings, *, renew_secrets: bool) -> list[Change]:
    """Of those that are meant. A secret is sent with any change, or where all are renewed: it cannot be read."""
    there = {point["uid"]: point for point in grafana.alertingprovisioning.get_contactpoints()}
    return [_change(grafana, point, there.get(point["uid"]), renew_secrets) for point in meant(settings)]


def removals(grafana: GrafanaApi, settings: Settings) -> list[Change]:
    """Of those that are ours and no longer meant."""
    wanted = {point["uid"] for point in meant(settings)}
    there = [point["uid"] for point in grafana.alertingprovisioning.get_contactpoints()]
    return [_removal(grafana, uid) for uid in there if uid.startswith(PREFIX) and uid not in wanted]


def _removal(grafana: GrafanaApi, uid: str) -> Change:
    return Change.removed(KIND, uid, lambda: grafana.alertingprovisioning.delete_contactpoint(uid))


def _change(grafana: GrafanaApi, point: Document, there: Document | None, renew_secrets: bool) -> Change:
    def write() -> None:
        if there is None:
            grafana.alertingprovisioning.create_contactpoint(point)
        else:
            grafana.alertingprovisioning.update_contactpoint(point["uid"], point)

    secret = "renewed" if renew_secrets else REDACTED
    hidden = {"authorization_credentials": secret} if "authorization_credentials" in point["settings"] else {}
    return Change.between(KIND, point["uid"], there, {**point, "settings": {**point["settings"], **hidden}}, write)
