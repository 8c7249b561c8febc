"""What all incident feeds have in common: texts made plain, places found, times read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.report import compass, middle, moment, place, plain_text
from ingest.sources.replay.times import Times
from urbanclear.errors import InvalidEvent


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("Crash on I-278<br/>eastbound", "Crash on I-278 eastbound"),
        ("<p class='a'>Road &amp; ramp</p>\n\t<b>closed</b>", "Road & ramp closed"),
        ("speed < 50 and > 30", "speed < 50 and > 30"),
        ("a<script>steal()</script>b<style>p{}</style>c<!-- d -->e", "a b c e"),
        ("nul\x00 bell\x07 line\u2028end", "nul bell line end"),
        ("&lt;b&gt; stays text", "<b> stays text"),
        ("", ""),
    ],
)
def test_markup_becomes_plain_text(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@pytest.mark.parametrize(
    ("word", "letter"),
    [
        *(("N", "N"), ("nb", "N"), ("Northbound", "N"), ("EAST", "E"), ("west-bound", "W"), (" southbound ", "S")),
        *(("Both directions", None), ("BOTH", None), ("inner-loop", None), ("NE", None), ("", None), ("news", None)),
    ],
)
def test_a_direction_is_one_of_the_compass(word: str, letter: str | None) -> None:
    assert compass(word) == letter


def test_a_long_text_is_cut_and_shows_that_it_is() -> None:
    assert plain_text("x" * 1000) == "x" * 1000
    assert plain_text("x" * 1001) == "x" * 999 + "…"
    assert len(plain_text("<b>word</b> " * 100_000)) == 1000


@given(st.text(max_size=300))
def test_no_text_breaks_the_contract(markup: str) -> None:
    plain = plain_text(markup)
    assert "\x00" not in plain
    assert len(plain) <= 1000
    assert plain == plain.strip()


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ({"type": "Point", "coordinates": [-73.9, 40.7, 12]}, (40.7, -73.9)),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4], [5, 6]]}, (4, 3)),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, (2, 1)),
        ({"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4], [5, 6]], [[7, 8]]]}, (4, 3)),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6], [1, 2]]]}, (4, 3)),
        ({"type": "LineString", "coordinates": []}, None),
        ({"type": "GeometryCollection", "geometries": []}, None),
        ({"type": "Point", "coordinates": [0, 0]}, None),
        (None, None),
        ("here", None),
    ],
)
def test_a_geometry_has_a_middle(geometry: object, expected: tuple[float, float] | None) -> None:
    assert middle(geometry) == expected


@pytest.mark.parametrize(
    ("lat", "lon"), [(91, 0), (0, 180.5), ("north", 1), (1, [2]), (float("nan"), 1), (10**400, 1)]
)
def test_a_place_that_is_not_on_earth_is_told(lat: object, lon: object) -> None:
    with pytest.raises(InvalidEvent) as raised:
        place(lat, lon)
    assert raised.value.reason == "bad_place"


@pytest.mark.parametrize(("lat", "lon"), [(None, 1), (1, None), ("", ""), (0, 0), ("0.0", "0")])
def test_a_place_that_is_not_said_is_none(lat: object, lon: object) -> None:
    assert place(lat, lon) is None


def test_of_the_hour_that_comes_twice_the_newest_that_is_past_is_meant() -> None:
    times, stamp = Times("America/New_York"), "2026-11-01T01:30:00"
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert moment(stamp, times, second) == second
    assert moment(stamp, times, first) == first


@pytest.mark.parametrize("stamp", ["", "soon", None, 5, "2026-03-08T02:30:00", "9999-12-31T23:59:59"])
def test_a_time_that_cannot_be_read_is_none(stamp: object) -> None:
    assert moment(stamp, Times("America/New_York"), datetime(2026, 6, 1, tzinfo=UTC)) is None
