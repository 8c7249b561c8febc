"""The benchmark of REST, small."""

from datetime import timedelta

from bench.api.measure import Plan, measure
from bench.api.questions import QUESTIONS
from urbanclear.settings import Settings


async def test_every_figure_of_rest_is_measured_and_each_question_beside_its_sql() -> None:
    plan = Plan(days=1, samples=2, seconds=1, rounds=1, interval=timedelta(hours=1))
    figures = {one.name: one for one in await measure(Settings(), plan, lambda _: None)}
    assert list(figures) == ["rest_p99_ms", "rest_vs_sql", *[f"rest_{question.name}_ms" for question in QUESTIONS]]
    assert figures["rest_p99_ms"].value > 0
    assert all(figures[f"rest_{question.name}_ms"].ratio is not None for question in QUESTIONS)
