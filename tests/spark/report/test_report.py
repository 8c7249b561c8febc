"""The report's page as HTML in a real browser and as PDF: all of it, on one page, whatever feeds call their roads."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser

from spark.insights.insight import Insight, of_kind
from spark.insights.parameters import Parameters
from spark.report.charts import draw_corridors, svg
from spark.report.html import html
from spark.report.page import Page, page_of
from spark.report.pdf import pdf
from tests.api.page.browser import open_chromium
from tests.spark.report.samples import DAYS, PARAMETERS, ROADS, week

HOSTILE = (
    "<script>document.title = 'taken'</script>",
    '"><img src=x onerror="document.title = 1">',
    "$\\frac{1}{0}$ & ${{7*7}} {% raw %}",
    "\x01\x1b[31m\u202egnol\n" + "W" * 200,
    "道路 🚗 شارع",
    "]]></style></svg><!--",
)


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with open_chromium() as browser:
        yield browser


def page(insights: Sequence[Insight], parameters: Parameters = PARAMETERS) -> Page:
    return page_of(insights, DAYS, parameters)


def sheets(written: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", written))


@pytest.mark.parametrize("roads", [ROADS, HOSTILE, ROADS[:1]], ids=["plain", "hostile", "one corridor"])
async def test_it_needs_nothing_else_and_prints_on_one_page(
    chromium: Browser, tmp_path: Path, roads: tuple[str, ...]
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(page(week(roads))))
    tab = await chromium.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    await tab.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert await tab.title() == "Traffic report, 2 to 8 March 2026"
    assert await tab.locator("script, img").count() == 0
    assert sheets(await tab.pdf(prefer_css_page_size=True)) == 1
    await tab.set_viewport_size({"width": 390, "height": 800})
    assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await tab.close()


async def test_who_does_not_see_the_charts_is_told_what_they_show(chromium: Browser) -> None:
    tab = await chromium.new_page()
    await tab.set_content(html(page(week())))
    days, corridors = [await chart.get_attribute("aria-label") for chart in await tab.get_by_role("img").all()]
    assert days is not None
    assert corridors is not None
    assert days.startswith("Delay by day, vehicle hours: Mon 2: 500 veh h (the week before 520 veh h); Tue 3: 540")
    assert "FDR Drive N: 812 veh h (the week before 650 veh h)" in corridors
    headings = await tab.locator("h1, h2").all_inner_texts()
    assert headings == [
        "Traffic report, 2 to 8 March 2026",
        "Delay by day",
        "Corridors with the most delay",
        "Least reliable corridors",
        "Incidents that cost the most",
        "Got worse",
        "Got better",
        "Bottlenecks",
        "What the figures mean",
    ]
    assert await tab.locator("th:not([scope])").count() == 0
    ids = await tab.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    await tab.close()


async def test_names_are_shown_as_they_are_but_for_what_cannot_be_printed(chromium: Browser) -> None:
    tab = await chromium.new_page()
    await tab.set_content(html(page(week(HOSTILE))))
    section = tab.locator("section", has_text="Got worse")
    shown = await section.locator("td:first-child").all_inner_texts()
    assert shown == [
        "<script>document.title = 'taken'</script>",
        '"><img src=x onerror="document.title = 1">',
        "$\\frac{1}{0}$ & ${{7*7}} {% raw %}",
        "[31m gnol " + "W" * 19 + "…" + "W" * 14,
        "道路 🚗 شارع",
    ]
    await tab.close()


@pytest.mark.parametrize("roads", [ROADS, HOSTILE], ids=["plain", "hostile"])
def test_the_pdf_is_one_page_of_a4_and_the_same_each_time(roads: tuple[str, ...]) -> None:
    written = pdf(page(week(roads)))
    assert sheets(written) == 1
    [box] = re.findall(rb"/MediaBox \[ ?([0-9. ]+)\]", written)
    assert [float(edge) for edge in box.split()] == pytest.approx([0, 0, 595.4, 841.7], abs=0.1)
    assert written == pdf(page(week(roads)))


def test_a_charts_text_stays_text() -> None:
    drawn = svg(draw_corridors, page(week()).corridors)
    assert ">West Side Highway N<" in drawn
    assert ">812<" in drawn


def test_sections_without_anything_say_so() -> None:
    empty = page(of_kind(week(), "total"))
    written = html(empty)
    for table in empty.tables:
        assert table.rows == []
        assert f"<p>{table.empty}</p>" in written
    assert "<p>No delay is known.</p>" in written
    assert sheets(pdf(empty)) == 1


def test_headlines_are_told_against_the_week_before() -> None:
    told = {headline.label: (headline.value, headline.change) for headline in page(week()).headlines}
    assert told == {
        "Delay": ("4,340 veh h", "up 19 % on the week before"),
        "Cost of the delay": ("USD 1.39 M", "up 19 % on the week before"),
        "Planning time index": ("1.83", "as in the week before"),
        "Incidents": ("12", "down 40 % on the week before"),
        "Cost of the incidents": ("USD 99,000", "not comparable with the week before"),
    }


def test_incidents_began_in_the_citys_own_time() -> None:
    [incidents] = [table for table in page(week()).tables if table.columns[0] == "Incident"]
    assert incidents.rows[0] == ("collision on FDR Drive N", "Thu 5, 17:10", "1,300 veh h", "USD 41,000")


def test_the_source_of_the_value_of_time_is_named_only_for_its_own_figures() -> None:
    agency = Parameters("UTC", 0.8, value_of_time=14.5, vehicle_occupancy=1.4, currency="EUR")
    guided, own = (dict(page(week(), parameters).notes)["Cost"] for parameters in (PARAMETERS, agency))
    assert guided == (
        "USD 21.10 for an hour of one person, times 1.52 people a vehicle "
        "(US DOT, Benefit-Cost Analysis Guidance, May 2025)."
    )
    assert own == "EUR 14.50 for an hour of one person, times 1.4 people a vehicle."


def test_poor_data_are_called_so() -> None:
    [delay, *others] = week()
    poor = page([Insight(**{**vars(delay), "detail": {**delay.detail, "good_share": 0.724}}), *others])
    assert dict(poor.notes)["Good data"] == (
        "72 % of the readings behind the delay are good, below the 90 % of healthy data."
    )


def test_movers_are_three_by_delay_and_two_by_travel_time_index() -> None:
    by_delay = of_kind(week(), "mover_worse")
    by_index = [replace(mover, unit="travel time index", rank=mover.rank + 10) for mover in by_delay]

    def figures(movers: list[Insight]) -> list[str]:
        found = page([*of_kind(week(), "total"), *movers])
        [table] = [table for table in found.tables if table.title == "Got worse"]
        return [row[1] for row in table.rows]

    assert figures([*by_delay, *by_index]) == ["delay"] * 3 + ["travel time index"] * 2
    assert figures(by_delay) == ["delay"] * 5
    assert figures([*by_delay[:1], *by_index]) == ["delay"] + ["travel time index"] * 4
