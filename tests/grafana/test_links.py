"""Dashboards lead to one another: every link to one that is there and takes what it is given."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from grafana.asked import boards, panels
from grafana.names import dashboard_uid

BOARD_JSON = boards()
SHOWN = [(name, panel) for name, board in BOARD_JSON.items() for panel in panels(board)]


def named(shown: tuple[str, dict[str, Any]]) -> str:
    name, panel = shown
    return f"{name}: {panel['title']}"


def links(panel: dict[str, Any]) -> Iterator[str]:
    """The addresses that a panel and its columns lead to."""
    config = panel.get("fieldConfig") or {}
    found = [*(panel.get("links") or []), *((config.get("defaults") or {}).get("links") or [])]
    for override in config.get("overrides") or []:
        found += [link for one in override["properties"] if one["id"] == "links" for link in one["value"]]
    yield from (link["url"] for link in found)


def variables(name: str) -> set[str]:
    return {variable["name"] for variable in (BOARD_JSON[name].get("templating") or {}).get("list") or []}


@pytest.mark.parametrize("shown", [shown for shown in SHOWN if [*links(shown[1])]], ids=named)
def test_links_lead_to_dashboards_that_take_what_they_give(shown: tuple[str, dict[str, Any]]) -> None:
    known = {dashboard_uid(name): name for name in BOARD_JSON}
    for url in links(shown[1]):
        if not url.startswith("/d/"):
            continue
        place = urlsplit(url)
        given = {name.removeprefix("var-") for name in parse_qs(place.query) if name.startswith("var-")}
        uid = place.path.split("/")[2]
        assert uid in known, url
        assert given <= variables(known[uid]), url


def test_an_operator_comes_from_the_city_to_the_sensor_and_to_the_corridor() -> None:
    reached = {urlsplit(url).path for panel in panels(BOARD_JSON["city-now"]) for url in links(panel)}
    assert {f"/d/{dashboard_uid(name)}" for name in ("sensor", "corridor")} <= reached
