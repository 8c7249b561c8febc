"""What docs/report.md says of parameters and rows is what the code has."""

import re
from pathlib import Path
from typing import get_args

from schema.quality import HEALTHY
from schema.value_of_time import CURRENCY, VALUE_OF_TIME, VEHICLE_OCCUPANCY
from spark.insights.comparison import LEAST_SHARE
from spark.insights.insight import Kind
from spark.report.wording import share

TEXT = (Path(__file__).parents[3] / "docs" / "report.md").read_text()


def test_the_defaults_are_those_that_are_documented() -> None:
    defaults = dict(re.findall(r"^\| `(--[a-z-]+)` \| ([^ ]+) \|", TEXT, re.MULTILINE))
    assert defaults == {
        "--value-of-time": f"{VALUE_OF_TIME:.2f}",
        "--vehicle-occupancy": f"{VEHICLE_OCCUPANCY}",
        "--currency": CURRENCY,
    }


def test_every_kind_of_insight_is_documented_and_no_other() -> None:
    rows = TEXT[TEXT.index("| kind |") :].splitlines()
    first_cells = "".join(row.split("|")[1] for row in rows)
    assert set(re.findall(r"`([a-z_]+)`", first_cells)) == {*get_args(Kind)}


def test_the_limits_are_those_that_are_documented() -> None:
    assert f"{share(LEAST_SHARE)} of the other's 5-minute observations" in TEXT
    assert f"from {share(HEALTHY)} on it counts as healthy" in TEXT
