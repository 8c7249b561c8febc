"""A Grafana that a test may write to: asked directly, filled with what others made, and emptied."""

import os
from dataclasses import dataclass
from typing import Any, Final

import httpx

from grafana.names import FOLDER_UID, PREFIX
from tests.grafana.contract import ADMIN, VIEWER, VIEWER_PASSWORD, read

URL_NAME: Final = "URBANCLEAR_TEST_GRAFANA_URL"
PASSWORD_NAME: Final = "URBANCLEAR_TEST_GRAFANA_PASSWORD"  # noqa: S105
#: As they were before tests began, which see no settings of the user's.
URL: Final = os.environ.get(URL_NAME)
PASSWORD: Final = os.environ.get(PASSWORD_NAME)
PROVISIONING: Final = "/api/v1/provisioning"
OTHERS_FOLDER: Final = "water"
OTHERS_ROUTE: Final = {"receiver": "Water works", "object_matchers": [["team", "=", "water"]]}


@dataclass(frozen=True)
class Given:
    """`password` is that of the user admin; `is_real` where it is no stand-in."""

    url: str
    password: str
    is_real: bool

    def get(self, path: str) -> Any:
        """JSON."""
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Fails where Grafana says no."""
        answer = self._request(method, path, body)
        assert answer.is_success, answer.text
        return read(answer)

    def try_to(self, method: str, path: str, body: object = None) -> Any:
        """JSON, also of a refusal."""
        return read(self._request(method, path, body))

    def status(self, method: str, path: str) -> int:
        """Of the answer."""
        return self._request(method, path, None).status_code

    def add_viewer(self) -> None:
        """A user who may only look, where there is none yet."""
        if self.status("GET", f"/api/users/lookup?loginOrEmail={VIEWER}") == 404:
            user = {"login": VIEWER, "password": VIEWER_PASSWORD, "name": VIEWER, "OrgId": 1}
            self.ask("POST", "/api/admin/users", user)

    def with_things_of_others(self) -> Any:
        """A folder, a dashboard, a rule, a contact point, a route and a data source that are not ours."""
        self.ask("POST", "/api/folders", {"title": "Water", "uid": OTHERS_FOLDER})
        board = {"uid": "water-levels", "title": "Levels", "tags": ["urbanclear"], "panels": []}
        self.ask("POST", "/api/dashboards/db", {"dashboard": board, "folderUid": OTHERS_FOLDER})
        source = {"uid": "water", "name": "Water", "type": "postgres", "access": "proxy", "url": "127.0.0.1:9"}
        self.ask("POST", "/api/datasources", source)
        self.ask("POST", f"{PROVISIONING}/alert-rules", _rule_of_others())
        point = {"uid": "water", "name": "Water works", "type": "email", "settings": {"addresses": "w@city.example"}}
        self.ask("POST", f"{PROVISIONING}/contact-points", point)
        tree = {key: value for key, value in self.get(f"{PROVISIONING}/policies").items() if key != "provenance"}
        self.ask("PUT", f"{PROVISIONING}/policies", {**tree, "routes": [OTHERS_ROUTE, *tree.get("routes", [])]})
        return self.things_of_others()

    def things_of_others(self) -> Any:
        """As they are."""
        return [
            self.get("/api/dashboards/uid/water-levels")["dashboard"],
            self.get("/api/datasources/uid/water"),
            [rule for rule in self.get(f"{PROVISIONING}/alert-rules") if rule["folderUID"] == OTHERS_FOLDER],
            [point for point in self.get(f"{PROVISIONING}/contact-points") if not point["uid"].startswith(PREFIX)],
            [route for route in self.get(f"{PROVISIONING}/policies")["routes"] if route["receiver"] == "Water works"],
        ]

    def empty(self) -> None:
        """Take out what tests put in, where it is there."""
        self.status("DELETE", f"{PROVISIONING}/policies")
        for point in self.get(f"{PROVISIONING}/contact-points"):
            if point["uid"]:
                self.status("DELETE", f"{PROVISIONING}/contact-points/{point['uid']}")
        for rule in self.get(f"{PROVISIONING}/alert-rules"):
            self.status("DELETE", f"{PROVISIONING}/alert-rules/{rule['uid']}")
        for board in self.get("/api/search?type=dash-db"):
            self.status("DELETE", f"/api/dashboards/uid/{board['uid']}")
        for source in self.get("/api/datasources"):
            self.status("DELETE", f"/api/datasources/uid/{source['uid']}")
        for folder in (FOLDER_UID, OTHERS_FOLDER):
            self.status("DELETE", f"/api/folders/{folder}?forceDeleteRules=true")

    def _request(self, method: str, path: str, body: object) -> httpx.Response:
        return httpx.request(method, self.url + path, json=body, auth=(ADMIN, self.password), timeout=30)


def _rule_of_others() -> dict[str, Any]:
    model = {
        "refId": "A",
        "type": "math",
        "expression": "1 == 1",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
    }
    ranges = {"from": 600, "to": 0}
    return {
        "uid": f"{PREFIX}looks-like-ours",
        "title": "Level too high",
        "folderUID": OTHERS_FOLDER,
        "ruleGroup": "levels",
        "condition": "A",
        "for": "5m",
        "noDataState": "OK",
        "execErrState": "OK",
        "data": [{"refId": "A", "datasourceUid": "__expr__", "relativeTimeRange": ranges, "model": model}],
    }
