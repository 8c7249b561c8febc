"""What a real Grafana answered, and what is asked of it and of the one that stands in for it.

`contracts/grafana-9.4.json` has requests and answers in their order, from a Grafana with nothing in it. To record it
anew: `python -m tests.grafana.contract http://127.0.0.1:3000 PASSWORD`, of the user admin.
"""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

FILE: Final = Path(__file__).parent / "contracts" / "grafana-9.4.json"
ADMIN: Final = "admin"
VIEWER: Final = "viewer"
VIEWER_PASSWORD: Final = "only looks"  # noqa: S105
#: Of Grafana's own making, different each time: what is said of them is that they are there.
OWN: Final = {"id", "updated", "created", "typeLogoUrl", "version", "slug", "uri"}
PAGES: Final = ("/d/", "/dashboards/")  # what a URL of Grafana's own pages begins with, followed by a title


@dataclass(frozen=True)
class Exchange:
    """`who` is admin, viewer, or nobody, who has a wrong password; `answer` is JSON, or a text."""

    who: str
    method: str
    path: str
    body: Any = None
    status: int = 0
    answer: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} as {self.who}"


def recorded() -> list[Exchange]:
    """In their order."""
    return [Exchange(**one) for one in json.loads(FILE.read_text())]


def asked(url: str, exchange: Exchange, admin_password: str) -> Exchange:
    """The same with what the Grafana at `url` answers, without what is of its own making."""
    passwords = {ADMIN: admin_password, VIEWER: VIEWER_PASSWORD}
    auth = (exchange.who, passwords.get(exchange.who, "wrong"))
    answer = httpx.request(
        exchange.method, url.rstrip("/") + exchange.path, json=exchange.body, auth=auth, timeout=30
    )
    return replace(exchange, status=answer.status_code, answer=scrubbed(exchange.path, read(answer)))


def read(answer: httpx.Response) -> Any:
    """JSON where it is, else text."""
    try:
        return answer.json()
    except json.JSONDecodeError:
        return answer.text


def scrubbed(path: str, answer: Any) -> Any:
    """`answer`, without what is of Grafana's own making, and with contact points in one order."""
    if path.endswith("/frontend/settings"):
        return {"buildInfo": {"version": answer["buildInfo"]["version"]}} if "buildInfo" in answer else answer
    if isinstance(answer, dict):
        return {key: "its own" if _is_own(key, value) else scrubbed(path, value) for key, value in answer.items()}
    if isinstance(answer, list):
        ordered = sorted(answer, key=lambda one: str(one["uid"])) if path.endswith("/contact-points") else answer
        return [scrubbed("", one) for one in ordered]
    return answer


def _is_own(key: str, value: object) -> bool:
    return key in OWN or (isinstance(value, str) and value.startswith(PAGES))


def record(url: str, password: str) -> None:
    """Ask what is in the file, and write it with the answers."""
    someone = {"login": VIEWER, "password": VIEWER_PASSWORD, "name": VIEWER, "OrgId": 1}
    httpx.post(f"{url}/api/admin/users", json=someone, auth=(ADMIN, password), timeout=30).raise_for_status()
    exchanges = [asdict(asked(url, exchange, password)) for exchange in recorded()]
    FILE.write_text(json.dumps(exchanges, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record(sys.argv[1].rstrip("/"), sys.argv[2])
