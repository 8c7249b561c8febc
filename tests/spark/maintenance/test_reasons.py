"""Reasons are what a technician would say."""

from dataclasses import replace
from datetime import date

import pytest

from spark.maintenance.reasons import Signs, reason

WELL = Signs(days=14, silences=0, stucks=0, hours=0.0, last=None, lasts=False, missing=[0.0, 0.0], implausible=0.0)
FAILED = replace(WELL, silences=4, hours=6.46, last=date(2026, 3, 3))


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        (WELL, "no trouble in 14 days"),
        (replace(WELL, days=1, missing=[]), "no trouble in 1 day"),
        (FAILED, "silent 4 times in 14 days, 6.5 h in all; last on 3 March"),
        (replace(FAILED, silences=0, stucks=1), "stuck once in 14 days, 6.5 h in all; last on 3 March"),
        (replace(FAILED, stucks=2), "silent 4 times and stuck 2 times in 14 days, 6.5 h in all; last on 3 March"),
        (replace(FAILED, lasts=True), "silent 4 times in 14 days, 6.5 h in all; it has lasted since 3 March"),
        (
            replace(WELL, missing=[0.11, 0.08, 0.05, 0.04, 0.03, 0.02, 0.02]),
            "misses more readings each day (2 % → 11 % in 5 days)",
        ),
        (replace(WELL, missing=[0.11, 0.03]), "misses more readings each day (3 % → 11 % in 1 day)"),
        (replace(WELL, missing=[0.11, 0.12]), "misses 11 % of its readings"),
        (replace(WELL, missing=[0.02, 0.0]), "no trouble in 14 days"),
        (replace(WELL, implausible=0.08), "8 % of its readings are implausible"),
        (
            replace(FAILED, missing=[0.2, 0.2]),
            "silent 4 times in 14 days, 6.5 h in all; last on 3 March; misses 20 % of its readings",
        ),
    ],
)
def test_a_reason_names_what_was_seen(signs: Signs, said: str) -> None:
    assert reason(signs) == said
