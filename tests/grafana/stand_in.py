"""A small server that stands in for Grafana: what is put into it is there, and it answers as the recorded one did.

Fields that it does not care about it has from the recording (`contract.py`), and `test_contract.py` holds every
answer of it against that.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.grafana.contract import ADMIN, VIEWER, VIEWER_PASSWORD, recorded

PASSWORD: Final = "the stand-in's password"  # noqa: S105
PROVISIONING: Final = "/api/v1/provisioning"
SECRETS: Final = {"webhook": {"password", "authorization_credentials"}}
REDACTED: Final = "[REDACTED]"
DEFAULT_POINT: Final = {
    "uid": "",
    "name": "email receiver",
    "type": "email",
    "settings": {"addresses": "<example@email.com>"},
    "disableResolveMessage": False,
}
DEFAULT_POLICY: Final = {"receiver": "grafana-default-email", "group_by": ["grafana_folder", "alertname"]}

HEALTH: Final = "/api/health"

Document = dict[str, Any]
Answer = tuple[int, Any]


@cache
def shape(method: str, pattern: str, status: int) -> Any:
    """The first answer recorded with this status of a path that fits `pattern`."""
    found = next(
        one
        for one in recorded()
        if one.method == method and one.status == status and re.fullmatch(pattern, one.path.split("?")[0])
    )
    return json.dumps(found.answer)


class StandIn:
    """What is in it, by uid."""

    def __init__(self, version: str = "9.4.0", viewers: Iterable[str] = ()) -> None:
        self.version = version
        self.viewers = set(viewers)
        self.folders: dict[str, str] = {}
        self.data_sources: dict[str, Document] = {}
        self.dashboards: dict[str, tuple[str, Document]] = {}
        self.contact_points: dict[str, Document] = {"": DEFAULT_POINT}
        self.policy: Document = dict(DEFAULT_POLICY)
        self.rules: dict[str, Document] = {}
        self.intervals: dict[tuple[str, str], int] = {}

    def answer(self, who: str, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        """Status and JSON."""
        if path == HEALTH:
            return 200, known("GET", HEALTH, 200, version=self.version)
        if who not in (ADMIN, *self.viewers):
            return 401, known("GET", "/api/frontend/settings", 401)
        if who in self.viewers and (method, path) != ("GET", "/api/frontend/settings"):
            return 403, known("POST", "/api/datasources", 403)
        for known_method, pattern, handle in ROUTES:
            fits = re.fullmatch(pattern, path)
            if known_method == method and fits:
                return handle(self, *fits.groups(), *([body] if method in ("POST", "PUT") else []))
        raise AssertionError(f"the stand-in has not learnt {method} {path}")


def known(method: str, pattern: str, status: int, **own: Any) -> Any:
    """What the recorded Grafana answered, with `own` in it."""
    answer = json.loads(shape(method, pattern, status))
    return {**answer, **own} if own else answer


def settings(grafana: StandIn) -> Answer:
    return 200, {"buildInfo": {"version": grafana.version}}


def add_user(grafana: StandIn, body: Document) -> Answer:
    grafana.viewers.add(body["login"])
    return 200, {"id": 2, "message": "User created"}


def look_up_user(grafana: StandIn) -> Answer:
    return (200, {}) if grafana.viewers else (404, {"message": "user not found"})


FOLDER = "/api/folders/([^/]+)"


def get_folder(grafana: StandIn, uid: str) -> Answer:
    if uid not in grafana.folders:
        return 404, known("GET", FOLDER, 404)
    title = grafana.folders[uid]
    return 200, known("GET", FOLDER, 200, uid=uid, title=title)


def post_folder(grafana: StandIn, body: Document) -> Answer:
    if body["uid"] in grafana.folders:
        return 412, known("POST", "/api/folders", 412)
    grafana.folders[body["uid"]] = body["title"]
    return 200, known("POST", "/api/folders", 200, uid=body["uid"], title=body["title"])


def put_folder(grafana: StandIn, uid: str, body: Document) -> Answer:
    grafana.folders[uid] = body["title"]
    return 200, known("PUT", FOLDER, 200, uid=uid, title=body["title"])


DATA_SOURCE = "/api/datasources/uid/([^/]+)"


def get_data_source(grafana: StandIn, uid: str) -> Answer:
    if uid not in grafana.data_sources:
        return 404, known("GET", DATA_SOURCE, 404)
    return 200, known("GET", DATA_SOURCE, 200, **grafana.data_sources[uid])


def list_data_sources(grafana: StandIn) -> Answer:
    (listed,) = known("GET", "/api/datasources", 200)
    sources = grafana.data_sources.values()
    return 200, [{**listed, **{key: value for key, value in one.items() if key in listed}} for one in sources]


def post_data_source(grafana: StandIn, body: Document) -> Answer:
    if any(source["name"] == body["name"] for source in grafana.data_sources.values()):
        return 409, known("POST", "/api/datasources", 409)
    return 200, _with_kept(grafana, body, known("POST", "/api/datasources", 200))


def put_data_source(grafana: StandIn, uid: str, body: Document) -> Answer:
    return 200, _with_kept(grafana, body, known("PUT", DATA_SOURCE, 200))


def _with_kept(grafana: StandIn, body: Document, answer: Document) -> Document:
    secrets = dict.fromkeys(body.get("secureJsonData", {}), True)
    document = {key: value for key, value in body.items() if key != "secureJsonData"}
    kept = {"database": "", "user": "", "jsonData": {}, **document, "secureJsonFields": secrets}
    grafana.data_sources[body["uid"]] = kept
    return {**answer, "datasource": {**answer["datasource"], **kept}, "name": body["name"]}


def delete_data_source(grafana: StandIn, uid: str) -> Answer:
    del grafana.data_sources[uid]
    return 200, known("DELETE", DATA_SOURCE, 200)


def health(grafana: StandIn, uid: str) -> Answer:
    status = 500 if grafana.data_sources[uid]["type"] == "postgres" else 404
    return status, known("GET", f"{DATA_SOURCE}/health", status)


DASHBOARD = "/api/dashboards/uid/([^/]+)"


def get_dashboard(grafana: StandIn, uid: str) -> Answer:
    if uid not in grafana.dashboards:
        return 404, known("GET", DASHBOARD, 404)
    folder, document = grafana.dashboards[uid]
    answer = known("GET", DASHBOARD, 200, dashboard=document)
    return 200, {**answer, "meta": {**answer["meta"], "folderUid": folder}}


def post_dashboard(grafana: StandIn, body: Document) -> Answer:
    document = body["dashboard"]
    grafana.dashboards[document["uid"]] = body.get("folderUid", ""), {**document, "id": 1, "version": 1}
    return 200, known("POST", "/api/dashboards/db", 200, uid=document["uid"])


def delete_dashboard(grafana: StandIn, uid: str) -> Answer:
    _, document = grafana.dashboards.pop(uid)
    return 200, known("DELETE", DASHBOARD, 200, title=document["title"])


def search(grafana: StandIn) -> Answer:
    (listed,) = known("GET", "/api/search", 200)
    boards = [(folder, one) for folder, one in grafana.dashboards.values() if "urbanclear" in one.get("tags", [])]
    return 200, [{**listed, "uid": one["uid"], "title": one["title"], "folderUid": folder} for folder, one in boards]


POINT = f"{PROVISIONING}/contact-points/([^/]+)"


def get_contact_points(grafana: StandIn) -> Answer:
    return 200, sorted(map(_redacted, grafana.contact_points.values()), key=lambda point: str(point["name"]))


def post_contact_point(grafana: StandIn, body: Document) -> Answer:
    if body["type"] == "email" and not body["settings"].get("addresses"):
        return 400, known("POST", f"{PROVISIONING}/contact-points", 400)
    grafana.contact_points[body["uid"]] = {"disableResolveMessage": False, **body, "provenance": "api"}
    return 202, _without_secrets(grafana.contact_points[body["uid"]])


def put_contact_point(grafana: StandIn, uid: str, body: Document) -> Answer:
    grafana.contact_points[uid] = {"disableResolveMessage": False, **body, "provenance": "api"}
    return 202, known("PUT", POINT, 202)


def delete_contact_point(grafana: StandIn, uid: str) -> Answer:
    name = grafana.contact_points.get(uid, {}).get("name")
    others = [point for one, point in grafana.contact_points.items() if one != uid and point["name"] == name]
    if not others and any(route["receiver"] == name for route in grafana.policy.get("routes", [])):
        return 500, known("DELETE", POINT, 500)
    grafana.contact_points.pop(uid, None)
    return 202, known("DELETE", POINT, 202)


def _redacted(point: Document) -> Document:
    hidden = {name: REDACTED for name in SECRETS.get(point["type"], ()) if point["settings"].get(name)}
    return {**point, "settings": {**point["settings"], **hidden}}


def _without_secrets(point: Document) -> Document:
    secrets = dict.fromkeys(SECRETS.get(point["type"], ()), REDACTED)
    return {**point, "settings": {**point["settings"], **secrets}}


POLICIES = f"{PROVISIONING}/policies"


def get_policies(grafana: StandIn) -> Answer:
    return 200, grafana.policy


def put_policies(grafana: StandIn, body: Document) -> Answer:
    names = {DEFAULT_POLICY["receiver"], *(point["name"] for point in grafana.contact_points.values())}
    if not {route["receiver"] for route in [body, *body.get("routes", [])]} <= names:
        return 400, known("PUT", POLICIES, 400)
    grafana.policy = {**{key: value for key, value in body.items() if value}, "provenance": "api"}
    return 202, known("PUT", POLICIES, 202)


RULES = f"{PROVISIONING}/alert-rules"
RULE = f"{RULES}/([^/]+)"
GROUP = f"{PROVISIONING}/folder/([^/]+)/rule-groups/([^/]+)"
INTERVAL_S: Final = 60


def get_rules(grafana: StandIn) -> Answer:
    return 200, [_listed(rule) for rule in grafana.rules.values()]


def _listed(rule: Document) -> Document:
    return {key: value for key, value in rule.items() if key != "provenance"}


def post_rule(grafana: StandIn, body: Document) -> Answer:
    grafana.rules[body["uid"]] = _rule_kept(body)
    grafana.intervals.setdefault((body["folderUID"], body["ruleGroup"]), INTERVAL_S)
    return 201, grafana.rules[body["uid"]]


def put_rule(grafana: StandIn, uid: str, body: Document) -> Answer:
    if uid not in grafana.rules:
        return 404, known("PUT", RULE, 404)
    grafana.rules[uid] = _rule_kept({**body, "uid": uid})
    return 200, grafana.rules[uid]


def delete_rule(grafana: StandIn, uid: str) -> Answer:
    del grafana.rules[uid]
    return 204, None


def _rule_kept(body: Document) -> Document:
    answer = known("POST", RULES, 201)
    queries = []
    for query in body["data"]:
        model = {"intervalMs": 1000, "maxDataPoints": 43200, **query["model"]}
        queries.append({"queryType": "", **query, "model": model})
    return {
        **answer,
        "annotations": {},
        "labels": {},
        **body,
        "data": queries,
        "id": answer["id"],
        "updated": answer["updated"],
    }


def get_group(grafana: StandIn, folder: str, name: str) -> Answer:
    rules = [_listed(one) for one in grafana.rules.values() if (one["folderUID"], one["ruleGroup"]) == (folder, name)]
    if not rules:
        return 404, known("GET", GROUP, 404)
    return 200, {"title": name, "folderUid": folder, "interval": grafana.intervals[folder, name], "rules": rules}


def put_group(grafana: StandIn, folder: str, name: str, body: Document) -> Answer:
    grafana.intervals[folder, name] = body["interval"]
    return 200, known("PUT", GROUP, 200, title=name, folderUid=folder, interval=body["interval"])


ROUTES: Final[tuple[tuple[str, str, Callable[..., Answer]], ...]] = (
    ("GET", "/api/frontend/settings", settings),
    ("POST", "/api/admin/users", add_user),
    ("GET", "/api/users/lookup", look_up_user),
    ("GET", FOLDER, get_folder),
    ("POST", "/api/folders", post_folder),
    ("PUT", FOLDER, put_folder),
    ("GET", DATA_SOURCE, get_data_source),
    ("GET", "/api/datasources", list_data_sources),
    ("POST", "/api/datasources", post_data_source),
    ("PUT", DATA_SOURCE, put_data_source),
    ("DELETE", DATA_SOURCE, delete_data_source),
    ("GET", f"{DATA_SOURCE}/health", health),
    ("GET", DASHBOARD, get_dashboard),
    ("POST", "/api/dashboards/db", post_dashboard),
    ("DELETE", DASHBOARD, delete_dashboard),
    ("GET", "/api/search", search),
    ("GET", f"{PROVISIONING}/contact-points", get_contact_points),
    ("POST", f"{PROVISIONING}/contact-points", post_contact_point),
    ("PUT", POINT, put_contact_point),
    ("DELETE", POINT, delete_contact_point),
    ("GET", POLICIES, get_policies),
    ("PUT", POLICIES, put_policies),
    ("GET", RULES, get_rules),
    ("POST", RULES, post_rule),
    ("PUT", RULE, put_rule),
    ("DELETE", RULE, delete_rule),
    ("GET", GROUP, get_group),
    ("PUT", GROUP, put_group),
)


class _Handler(BaseHTTPRequestHandler):
    grafana: StandIn

    def handle_any(self) -> None:
        place = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, answer = self.grafana.answer(self._who(), self.command, place.path, parse_qs(place.query), body)
        content = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    def _who(self) -> str:
        """Whose name and password they are, or nobody."""
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return "nobody"
        name, _, password = b64decode(given).decode().partition(":")
        return name if {ADMIN: PASSWORD, VIEWER: VIEWER_PASSWORD}.get(name) == password else "nobody"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@contextmanager
def running(grafana: StandIn) -> Iterator[str]:
    """Its URL."""
    handler = type("Handler", (_Handler,), {"grafana": grafana})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
