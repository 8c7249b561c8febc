"""Matchers of labels: what they fit, what is none, and that no pattern takes long."""

import time

import pytest
from pydantic import ValidationError

from schema.alerting.definitions import checked
from schema.alerting.routing import Policy
from schema.alerting.words import Labels, Matcher, all_match
from urbanclear.errors import ConfigurationError

LABELS: Labels = {"area": "Staten Island", "sensor": ["nyc-dot:1", "nyc-dot:2"]}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('area="Staten Island"', True),
        ("area=Staten Island", True),
        ('area!="Staten Island"', False),
        ('area=~"Staten"', False),
        ('area=~"Staten.*|Bronx"', True),
        ('area=~"(?i)staten island"', True),
        ('area!~"Bronx|Queens"', True),
        ('sensor="nyc-dot:2"', True),
        ('sensor=~".*:[3-9]"', False),
        ('road=""', True),
        ('road!=""', False),
    ],
)
def test_a_matcher_fits_the_whole_value_and_one_of_several_is_enough(text: str, fits: bool) -> None:
    assert Matcher.parse(text).matches(LABELS) is fits


@pytest.mark.parametrize("text", ["area", 'area=="x"', 'area=~"("', 'area=~"(?=x)"', 'Area="x"'])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Matcher.parse(text)


@pytest.mark.parametrize("text", ['rule="jam', 'rule=jam"', 'rule=~ "jam|slow', 'area="Staten"Island"'])
def test_a_quote_without_another_is_refused_where_it_is_written(text: str) -> None:
    with pytest.raises(ValidationError, match=r"quote at both ends|is no matcher"):
        Policy.model_validate({"routes": [{"name": "all", "match": [text]}]})


def test_a_policy_that_was_kept_with_such_a_quote_still_counts() -> None:
    policy = checked(Policy, {"routes": [{"name": "all", "match": ['area="Staten Island']}]}, "policy")
    assert all_match(policy.routes[0].match, LABELS)


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert not Matcher.parse(r'area=~"((\w+ ?)+)+x"').matches({"area": "Staten Island North and South of the Bridge"})
    assert time.monotonic() - began < 5
