"""Templates of the operator's own: used where they are, and of no harm where they are bad."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alerting.templates.pages import Pages
from alerting.templates.view import MOST_ALERTS
from bench.processes import descendants
from tests.alerting.outbox import message, settings, told

OURS = "[HIGH] Broadway is slow: 12 km/h where 40 km/h are normal"
WORKER = ("alerting.templates.worker",)


@asynccontextmanager
async def pages(folder: Path, **templates: str) -> AsyncIterator[Pages]:
    for name, text in templates.items():
        (folder / f"{name}.j2").write_text(text)
    opened = Pages(settings(alert_templates=folder))
    yield opened
    await opened.close()
    assert descendants(WORKER) == []


async def test_a_template_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    async with pages(tmp_path, sms="{{ tag }}: {{ alerts[0].labels[0].value }}") as ours:
        view = ours.view(message())
        assert await ours.render("sms", view) == "HIGH: Manhattan"
        assert await ours.render("push.title", view) == "[HIGH] Broadway is slow"


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% for a in range(999999999) %}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ (10**9)**(10**9) }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ nothing.at.all }}",
        "{{ unclosed",
        "{{ ''.__class__.__mro__ }}",
        "{% include '../../../../etc/passwd' %}",
    ],
)
async def test_a_bad_one_gives_way_to_ours(tmp_path: Path, text: str) -> None:
    async with pages(tmp_path, sms=text) as ours:
        assert await ours.render("sms", ours.view(message())) == OURS
        (tmp_path / "sms.j2").write_text("well again")
        os.utime(tmp_path / "sms.j2", (1, 1))
        assert await ours.render("sms", ours.view(message())) == "well again"


async def test_secrets_of_the_environment_are_not_in_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_SECRET_HOOK", "wild horses")
    async with pages(tmp_path, sms="{{ tag }}") as ours:
        await ours.render("sms", ours.view(message()))
        [worker] = descendants(WORKER)
        assert not [name for name in worker.environ() if name.startswith("URBANCLEAR_")]


async def test_of_a_thousand_alerts_some_are_shown_and_the_rest_counted() -> None:
    many = message("n", *[told(f"a{number}") for number in range(1_000)])
    ours = Pages(settings())
    text = await ours.render("email.txt", ours.view(many))
    assert f"… and {1_000 - MOST_ALERTS} more." in text
    assert len(text) < 20_000
    await ours.close()
