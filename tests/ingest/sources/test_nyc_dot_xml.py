"""New York's feed as XML: rows like those of its other forms, and nothing that a document could do us harm by."""

import csv
import gzip
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.nyc_dot_xml import speed_rows
from urbanclear.errors import SourceError

ROOT = '<NYCDOT-TrafficSpeed xmlns="NYCDOT-TrafficSpeed">{}</NYCDOT-TrafficSpeed>'
LINK = '<Speed Id="2" Speed="52.82" Status="0" linkId="2" Transcom_id="4616279" LinkName="A &amp; B" />'
BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>' + ROOT.format("&c;")
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + ROOT.format("&b;")


def rows(text: str) -> list[dict[str, str]]:
    return list(speed_rows(BytesIO(text.encode()), "feed.xml"))


def test_a_link_is_called_as_in_the_later_forms_of_the_feed() -> None:
    [row] = rows(ROOT.format(LINK))
    assert (row["linkId"], row["Speed"], row["LinkName"]) == ("4616279", "52.82", "A & B")


def test_a_link_without_a_later_number_keeps_its_own() -> None:
    [row] = rows(ROOT.format('<Speed linkId="7" Transcom_id=" " />'))
    assert row["linkId"] == "7"


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_a_document_that_declares_entities_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"feed\.xml is refused"):
        rows(text)


@pytest.mark.parametrize("text", ["", "no XML", "<a>", ROOT.format("<Speed>"), ROOT.format("<Speed a=1 />")])
def test_what_is_no_xml_is_told(text: str) -> None:
    with pytest.raises(SourceError, match=r"feed\.xml is no whole XML document .*fetch it again"):
        rows(text)


def test_the_links_before_a_break_are_given() -> None:
    found = speed_rows(BytesIO(ROOT.format(LINK * 50)[:-9].encode()), "feed.xml")
    assert [next(found)["Id"] for _ in range(50)] == ["2"] * 50
    with pytest.raises(SourceError):
        next(found)


@given(st.binary(max_size=200))
def test_no_document_however_garbled_ends_in_anything_but_rows_or_a_sentence(body: bytes) -> None:
    try:
        found = list(speed_rows(BytesIO(body), "feed.xml"))
    except SourceError as error:
        assert str(error).endswith(".")
    else:
        assert all(isinstance(row, dict) for row in found)


def test_the_recorded_document_has_152_links_most_of_them_known_today(shared_data: Path) -> None:
    with gzip.open(shared_data / "nyc/dot_trafficspeed_php_2012-01-07.xml.gz") as file:
        found = list(speed_rows(file, "feed.xml"))  # type: ignore[arg-type]
    with gzip.open(shared_data / "nyc/dot_speed_links.csv.gz", "rt") as links:
        known = {link["LINK_ID"] for link in csv.DictReader(links)}
    assert len({row["linkId"] for row in found}) == len(found) == 152
    assert sum(row["linkId"] in known for row in found) == 111
