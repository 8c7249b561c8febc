"""Titles and descriptions of rules, filled in, whatever they say."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from alerting.templates import About, fill
from alerting.templates.filling import LONGEST, problem_of

CONTEXT: About = {
    "name": "Broadway",
    "subject": "nyc-dot:1",
    "value": 17.333,
    "labels": {"area": "Brooklyn", "sensor": ["nyc-dot:1", "nyc-dot:2"]},
    "priority": "high",
    "reason": "value",
    "started_at": datetime(2026, 11, 2, 8, 15, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("no braces", "no braces"),
        ("{{ name }} at {{ value }} km/h", "Broadway at 17.3 km/h"),
        ("{{ value | round(2) }} in {{ labels.area | upper }}", "17.33 in BROOKLYN"),
        ("{{ '%.2f' | format(value) }}", "17.33"),
        ("{{ labels.sensor | join(', ') }}", "nyc-dot:1, nyc-dot:2"),
        ("{% if value < 20 %}slow{% else %}fast{% endif %}", "slow"),
        ("{% for one in labels.sensor %}{{ loop.index }} {{ one }};{% endfor %}", "1 nyc-dot:1;2 nyc-dot:2;"),
        ("{{ labels.road | default('the city', true) }}{{ labels.nothing.at.all }}", "the city"),
        ("{{ subject }} {{ priority }} {{ reason }} {{ started_at | clock }}", "nyc-dot:1 high value 08:15"),
        ("{{ (value / 2) | int + 1 }} {{ name[:3] ~ '.' }}", "9 Bro."),
        ("{{ '2026-11-02T08:15:00+00:00' | clock('America/New_York') }}", "03:15"),
    ],
)
def test_what_is_known_is_filled_in(text: str, filled: str) -> None:
    assert fill(text, CONTEXT) == filled
    assert problem_of(text) is None


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("q {{ nme }} {{ value }}", "q {{ nme }} 17.3"),
        (
            "{{ name }}: {{ nme.at.all | round(2) }} {{ labels.area }}",
            "Broadway: {{ nme.at.all | round(2) }} Brooklyn",
        ),
        (
            "{% for one in labels.sensor %}{{ one }} {{ nme ~ one }};{% endfor %}",
            "nyc-dot:1 {{ nme ~ one }};nyc-dot:2 {{ nme ~ one }};",
        ),
        ("{{ '}}' }}{% raw %}{{ raw }}{% endraw %}{{ nme }}", "}}{{ raw }}{{ nme }}"),
        ("{{ name }} {% if nme %}slow{% endif %}", "{{ name }} {% if nme %}slow{% endif %}"),
        ("{% print nme %}{{ name }}", "{% print nme %}{{ name }}"),
    ],
)
def test_what_asks_for_an_unknown_name_stays_as_it_is_written_and_is_a_problem(text: str, filled: str) -> None:
    assert fill(text, CONTEXT) == filled
    problem = "nme is not known: known are name, subject, value, labels, priority, reason, started_at"
    assert problem_of(text) == problem


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(99999999) %}x{% endfor %}",
        "{% for a in labels.sensor %}{% for b in labels.sensor %}x{% endfor %}{% endfor %}",
        "{{ 9**9**9 }}",
        "{{ 'a' * 10000000000 }}",
        "{{ [1] * 10000000000 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ name | center(999999999) }}",
        "{{ name.ljust(999999999) }}",
        "{{ name | replace('', '" + "x" * 5_000 + "') }}",
        "{{ labels.sensor | join('" + "x" * 9_990 + "') }}",
        "{% set a = name %}{{ a }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ name.__class__.__mro__[1].__subclasses__() }}",
        "{{ lipsum(1000) }}",
        "{% include 'other' %}",
        "{{ 1 / 0 }}",
        "{{ unclosed",
        "{{" + "(" * 900 + "1" + ")" * 900 + "}}",
        "{{ 99999999999999999999999999999999999999 * 99999999999999999999999999999999999999999999999999 }}",
    ],
)
def test_what_could_run_or_grow_for_ever_stays_as_it_is(text: str) -> None:
    began = time.perf_counter()
    assert fill(text, CONTEXT) == text[:LONGEST]
    assert time.perf_counter() - began < 5


def test_what_becomes_long_is_cut() -> None:
    assert len(fill("{{ name }}" + "x" * 9_000, CONTEXT)) == LONGEST


def test_nothing_of_python_can_be_seen() -> None:
    assert fill("{{ ''.__class__ }}{{ name.__init__ }}", CONTEXT) == ""


@trying(max_examples=300, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{%",
                "%}",
                "name",
                "value",
                "|",
                "join",
                "*",
                "if",
                "else",
                "endif",
                "endfor",
                "(",
                ")",
                "'",
                "~",
                "+",
            ]
        )
        | st.sampled_from(["for a in labels", "labels.sensor", " ", "'%9d'", "[", "]", "9", "replace", ".", "%"]),
        max_size=40,
    ).map("".join)
)
def test_it_never_raises(text: str) -> None:
    assert len(fill(text, CONTEXT)) <= LONGEST
