"""What all lists have in common: pages, forms, fields, time zones, caching, errors."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet
import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime, Double, Text, column

from api.http.asking import STREAMED, decode_cursor, encode_cursor
from api.http.times import parse_time
from tests.api.resources.conftest import NOON, span
from tests.schema.city import City

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HISTORY = "/sensors/t:side/history"


async def pages(api: httpx.AsyncClient, path: str, **asked: Any) -> list[list[dict[str, Any]]]:
    found, cursor = [], None
    while True:
        answer = await api.get(path, params={**asked, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/sensors", {}),
        ("/sensors/nearest", {"lat": 40, "lon": -73.9}),
        (HISTORY, {**span(), "level": "5m"}),
        ("/history", {**span(), "level": "5m"}),
        ("/delay", span()),
        ("/corridors/Main Street N/scan", span()),
        ("/compare", {**span(), "by": "sensor"}),
        ("/sensors/t:side/pattern", {}),
        ("/bottlenecks", span()),
        ("/traffic/areas", {}),
        ("/export/readings", span()),
        ("/export/area_5m", span()),
    ],
)
async def test_pages_hold_each_row_once_in_order(api: httpx.AsyncClient, path: str, asked: dict[str, Any]) -> None:
    [whole] = await pages(api, path, **asked)
    parts = await pages(api, path, limit=2, **asked)
    assert [row for page in parts for row in page] == whole
    assert all(len(page) == 2 for page in parts[:-1])
    assert whole


async def test_a_cursor_of_another_list_is_refused(api: httpx.AsyncClient) -> None:
    other = (await api.get("/sensors", params={"limit": 1})).json()["next"]
    answer = await api.get("/corridors", params={"cursor": other})
    assert (answer.status_code, "none of this list" in answer.json()["detail"]) == (422, True)


async def test_head_answers_as_get_does_without_a_body(api: httpx.AsyncClient) -> None:
    whole, head = await api.get("/sensors"), await api.head("/sensors")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])
    assert (await api.head("/sensors/t:nobody")).status_code == 404


async def test_a_row_that_comes_between_two_pages_does_not_shift_them(api: httpx.AsyncClient, city: City) -> None:
    first = (await api.get("/sensors", params={"limit": 2})).json()
    await city.sensor("Before all", area="Bronx")
    second = (await api.get("/sensors", params={"limit": 2, "cursor": first["next"]})).json()
    assert [row["sensor"] for row in second["items"]] == ["t:Main Street-2", "t:side"]


async def test_csv_parquet_and_arrow_hold_what_json_holds(api: httpx.AsyncClient) -> None:
    asked = {**span(), "level": "5m"}
    rows = (await api.get(HISTORY, params=asked)).json()["items"]
    tables = {
        "text/csv": lambda body: list(csv.DictReader(io.StringIO(body.decode()))),
        "application/vnd.apache.parquet": lambda body: pa.parquet.read_table(io.BytesIO(body)).to_pylist(),
        "application/vnd.apache.arrow.stream": lambda body: pa.ipc.open_stream(body).read_all().to_pylist(),
    }
    for form, read in tables.items():
        answer = await api.get(HISTORY, params=asked, headers={"Accept": form})
        assert answer.headers["content-type"].split(";")[0] == form
        assert "attachment" in answer.headers["content-disposition"]
        found = sorted(read(answer.content), key=lambda row: str(row["time"]))  # type: ignore[no-untyped-call]
        assert [float(row["speed_kmh"]) for row in found] == [row["speed_kmh"] for row in rows]
        assert [datetime.fromisoformat(str(row["time"])) for row in found] == [
            datetime.fromisoformat(row["time"]) for row in rows
        ]


async def test_an_export_of_many_batches_is_whole(api: httpx.AsyncClient, city: City) -> None:
    await city.connection.execute(
        "INSERT INTO sensors (external_id, name, geometry) SELECT 'many:' || n, 'n', %s "
        "FROM generate_series(1, 60000) AS n",
        ['{"type": "Point", "coordinates": [1, 2]}'],
    )
    answer = await api.get("/export/sensors", headers={"Accept": "application/vnd.apache.parquet"})
    table = pa.parquet.read_table(io.BytesIO(answer.content))
    assert table.num_rows == 60_004
    assert len(set(table["external_id"].to_pylist())) == 60_004
    assert '{"type":"Point","coordinates":[1,2]}' in table["geometry"].to_pylist()


@pytest.mark.parametrize("form", [form.value for form in STREAMED])
async def test_an_empty_export_has_its_columns(api: httpx.AsyncClient, form: str) -> None:
    answer = await api.get("/export/weather", params=span(), headers={"Accept": form})
    assert answer.status_code == 200
    if form == "text/csv":
        assert answer.text.startswith('"station","time","temperature_c"')
    elif form.endswith("parquet"):
        assert pa.parquet.read_table(io.BytesIO(answer.content)).column_names[:2] == ["station", "time"]
    else:
        assert pa.ipc.open_stream(answer.content).read_all().num_rows == 0


async def test_a_form_that_is_not_there_is_told_what_is(api: httpx.AsyncClient) -> None:
    answer = await api.get("/sensors", headers={"Accept": "application/xml"})
    assert answer.status_code == 406
    assert "text/csv" in answer.json()["detail"]
    liked = await api.get("/sensors", headers={"Accept": "text/csv;q=0.2, application/json;q=0.9"})
    assert liked.headers["content-type"] == "application/json"


async def test_what_is_unchanged_is_not_sent_again(api: httpx.AsyncClient, city: City) -> None:
    first = await api.get("/sensors")
    again = await api.get("/sensors", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    await city.sensor("new", area="Bronx")
    changed = await api.get("/sensors", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert "no-cache" in changed.headers["cache-control"]


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
async def test_answers_are_compressed_where_the_client_can_read_it(api: httpx.AsyncClient, encoding: str) -> None:
    asked = {**span(), "level": "raw"}
    plain = await api.get(HISTORY, params=asked, headers={"Accept-Encoding": "identity"})
    small = await api.get(HISTORY, params=asked, headers={"Accept-Encoding": encoding})
    assert small.headers["content-encoding"] == encoding
    assert "Accept-Encoding" in small.headers["vary"]
    assert small.json() == plain.json()


async def test_only_the_fields_asked_for_are_told(api: httpx.AsyncClient) -> None:
    answer = await api.get("/sensors", params={"fields": "area, sensor", "limit": 1})
    assert answer.json()["items"] == [{"sensor": "t:Main Street-0", "area": "Manhattan"}]
    assert (await api.get("/sensors/t:side", params={"fields": "area"})).json() == {"area": "Queens"}
    wrong = await api.get("/sensors", params={"fields": "colour"})
    assert wrong.status_code == 422
    assert "free_flow_speed_kmh" in wrong.json()["detail"]


async def test_times_are_told_in_the_zone_asked_for(api: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {**span(), "level": "5m", "tz": "Asia/Kolkata", "limit": 1}
    [row] = (await api.get(HISTORY, params=asked)).json()["items"]
    assert row["time"].endswith("+05:30")
    assert datetime.fromisoformat(row["time"]) == NOON - timedelta(minutes=60)
    assert (await api.get(HISTORY, params={"tz": "Mars/Olympus"})).status_code == 422


async def test_spans_may_be_relative_to_the_newest_reading(api: httpx.AsyncClient) -> None:
    answer = await api.get(HISTORY, params={"from": "latest-10m", "to": "latest", "level": "raw"})
    assert [row["time"][11:16] for row in answer.json()["items"]] == ["12:50", "12:55"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "yesterday"}, "RFC 3339|say 20"),
        ({"from": "2026-03-02T12:00:00"}, "no time zone"),
        ({"from": "now", "to": "-1h"}, "not before"),
        ({"from": "-99999d"}, "no duration"),
        ({"from": "0001-01-01T00:00:00+23:59"}, "beyond the calendar|no time"),
        ({"limit": "0"}, "greater than or equal to 1"),
        ({"limit": "1000000"}, "less than or equal"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": encode_cursor("History", [1, 2, 3])}, "none of this list"),
        ({"level": "2h"}, "level"),
        ({"form": "now"}, "no such parameter; there are"),
        ({"fields": ","}, "names no field"),
    ],
)
async def test_a_bad_parameter_is_told_with_what_to_say_instead(
    api: httpx.AsyncClient, asked: dict[str, str], said: str
) -> None:
    answer = await api.get(HISTORY, params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert re.search(said, answer.json()["detail"]), answer.text


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "10,0,-10,5", "0,0,0,95", "nan,0,1,1", "0,inf,1,1"])
async def test_a_box_that_is_none_is_refused(api: httpx.AsyncClient, box: str) -> None:
    assert (await api.get("/sensors", params={"bbox": box})).status_code == 422


async def test_an_unknown_path_is_a_problem_too(api: httpx.AsyncClient) -> None:
    answer = await api.get("/nothing/here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "/docs" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("now", NOW),
        ("-24h", NOW - timedelta(hours=24)),
        ("+5m", NOW + timedelta(minutes=5)),
        ("now-1.5h", NOW - timedelta(minutes=90)),
        ("latest", NOW - timedelta(days=1)),
        ("latest-1h", NOW - timedelta(days=1, hours=1)),
        ("2026-03-02T14:00:00+02:00", NOW),
        ("2026-03-02T12:00:00Z", NOW),
    ],
)
def test_times_are_read_as_they_are_said(text: str, time: datetime) -> None:
    assert parse_time(text, now=NOW, latest=NOW - timedelta(days=1)) == time


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        assert parse_time(text, now=NOW).tzinfo is not None
    except ValueError as error:
        assert str(error)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_is_read_back(time: datetime) -> None:
    assert parse_time(time.isoformat(), now=NOW) == time


KEY = (column("id", Text), column("time", DateTime(timezone=True)), column("distance", Double))


@given(
    st.text(st.characters(exclude_characters="\x00", codec="utf-8")),
    st.datetimes(timezones=st.just(UTC)),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_cursor_brings_its_key_back(name: str, time: datetime, distance: float) -> None:
    assert decode_cursor(encode_cursor("List", [name, time, distance]), "List", KEY) == [name, time, distance]


@given(st.text(max_size=60))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(RequestValidationError):
        decode_cursor(text, "List", KEY)
