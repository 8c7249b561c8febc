"""Which routes an alert takes, and with which others it is told."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from schema.alerting.events import values_of
from schema.alerting.routing import Policy, Route
from schema.alerting.words import Labels, all_match

DIRECT = "direct"
"""The route of what is sent without a rule."""


@dataclass(frozen=True)
class Group:
    """The alerts of a route's step that have `labels` in common; `key` says the same as text."""

    route: str
    step: int
    key: str
    labels: dict[str, str]


def routes_of(policy: Policy, labels: Labels) -> Iterator[Route]:
    """The first route that fits, and those after it that fit while each says to go on."""
    for route in policy.routes:
        if all_match(route.match, labels):
            yield route
            if not route.continue_:
                return


def route_called(policy: Policy, name: str) -> Route:
    """The route that is called so; one without contacts in the place of one that is no more."""
    return next((route for route in policy.routes if route.name == name), None) or Route(name=name)


def group_of(route: Route, labels: Labels, step: int = 0) -> Group:
    """The group that an alert with `labels` is told in."""
    common = {name: ", ".join(values_of(labels, name)) for name in route.group_by}
    return Group(route.name, step, json.dumps(common, sort_keys=True), common)
