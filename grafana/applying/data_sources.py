"""What Grafana asks: the database as `urbanclear_analyst`, who only reads, and Prometheus where there is one."""

from typing import Final

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaBadInputError, GrafanaServerError
from sqlalchemy import URL, make_url

from grafana.applying.change import Change, Document
from grafana.applying.connection import found
from grafana.names import POSTGRES, PREFIX, PROMETHEUS
from schema.analyst import PASSWORD_FILE, ROLE
from schema.database import database_url
from urbanclear.errors import ConfigurationError
from urbanclear.settings import LOOPBACK, Settings

KIND: Final = "data source"
CONNECTIONS: Final = 10
#: Grafana 9 cannot say of Prometheus whether it answers.
UNKNOWN: Final = {"status": "OK"}


def meant(settings: Settings) -> list[Document]:
    """As they are meant, with their secrets; raises `ConfigurationError` where something is not set."""
    return [_postgres(settings)] + ([] if settings.prometheus_url is None else [_prometheus(settings)])


def changes(grafana: GrafanaApi, settings: Settings, *, renew_secrets: bool) -> list[Change]:
    """Of those that are meant. A secret is sent where there is none, or where all are renewed: it cannot be read."""
    return [_change(grafana, document, renew_secrets) for document in meant(settings)]


def removals(grafana: GrafanaApi, settings: Settings) -> list[Change]:
    """Of those that are ours and no longer meant."""
    wanted = {document["uid"] for document in meant(settings)}
    there = [source for source in grafana.datasource.list_datasources() if source["uid"].startswith(PREFIX)]
    return [
        _removal(grafana, source["uid"]) for source in there if source["uid"] not in wanted and not source["readOnly"]
    ]


def answers(grafana: GrafanaApi, settings: Settings) -> dict[str, str | None]:
    """By uid, why a data source does not answer; None where it does."""
    return {document["uid"]: _trouble(grafana, document["uid"]) for document in meant(settings)}


def _trouble(grafana: GrafanaApi, uid: str) -> str | None:
    try:
        health = found(grafana.datasource.health, uid) or UNKNOWN
    except (GrafanaBadInputError, GrafanaServerError) as error:
        health = error.response if isinstance(error.response, dict) else {"message": error.message}
    return None if health.get("status") == "OK" else str(health.get("message"))


def _removal(grafana: GrafanaApi, uid: str) -> Change:
    return Change.removed(KIND, uid, lambda: grafana.datasource.delete_datasource_by_uid(uid))


def _change(grafana: GrafanaApi, document: Document, renew_secrets: bool) -> Change:
    uid, secrets = document["uid"], document.get("secureJsonData", {})
    there = found(grafana.datasource.get_datasource_by_uid, uid)
    if there is not None and there.get("readOnly"):
        return Change.left(KIND, uid, "it is provisioned from a file")

    def write() -> None:
        if there is None:
            grafana.datasource.create_datasource(document)
        else:
            grafana.datasource.update_datasource_by_uid(uid, document)

    shown = {key: value for key, value in document.items() if key != "secureJsonData"}
    if secrets:
        shown["secureJsonFields"] = dict.fromkeys(secrets, "renewed" if renew_secrets else True)
    return Change.between(KIND, uid, there, shown, write)


def _postgres(settings: Settings) -> Document:
    url = _database(settings)
    if settings.analyst_password is None:
        raise ConfigurationError(
            f"Grafana asks the database as {ROLE}: set URBANCLEAR_ANALYST_PASSWORD to its password, "
            f"{_where_the_password_is(settings)}."
        )
    return {
        "uid": POSTGRES.uid,
        "name": "Urbanclear",
        "type": POSTGRES.type_val,
        "access": "proxy",
        "url": f"{url.host}:{url.port or 5432}",
        "user": ROLE,
        "database": url.database,
        "jsonData": {
            "database": url.database,
            "sslmode": _sslmode(url),
            "maxOpenConns": CONNECTIONS,
            "maxIdleConns": CONNECTIONS,
            "connMaxLifetime": 14_400,
        },
        "secureJsonData": {"password": settings.analyst_password.get_secret_value()},
    }


def _where_the_password_is(settings: Settings) -> str:
    kept = settings.data_dir / PASSWORD_FILE
    if kept.is_file():
        return f"which the stack here keeps in {kept}: `export URBANCLEAR_ANALYST_PASSWORD=$(cat {kept})`"
    return "here and where `urbanclear schema upgrade` runs"


def _database(settings: Settings) -> URL:
    if settings.grafana_database_url is not None:
        return make_url(settings.grafana_database_url.unicode_string())
    return make_url(database_url(settings))


def _sslmode(url: URL) -> str:
    """What the URL says; without a word, TLS, but for this machine. Grafana's driver knows no `prefer`."""
    stated = url.query.get("sslmode")
    if isinstance(stated, str):
        return "disable" if stated in ("allow", "prefer") else stated
    return "disable" if url.host in (LOOPBACK, "localhost") else "require"


def _prometheus(settings: Settings) -> Document:
    return {
        "uid": PROMETHEUS.uid,
        "name": "Urbanclear Prometheus",
        "type": PROMETHEUS.type_val,
        "access": "proxy",
        "url": str(settings.prometheus_url).rstrip("/"),
        "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
    }
