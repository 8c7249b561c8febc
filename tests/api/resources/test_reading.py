"""What REST answers of a city whose numbers are known."""

from typing import Any

import httpx
import pytest

from schema.measures.forecasts import score_forecasts
from tests.api.resources.conftest import NOON, minutes, span
from tests.schema.city import City, Reading
from urbanclear.settings import Settings


async def items(api: httpx.AsyncClient, path: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await api.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def names(api: httpx.AsyncClient, path: str, **asked: Any) -> list[str]:
    return [item["sensor"] for item in await items(api, path, **asked)]


async def test_sensors_are_found_by_area_road_box_and_words(api: httpx.AsyncClient) -> None:
    main = ["t:Main Street-0", "t:Main Street-1", "t:Main Street-2"]
    assert await names(api, "/sensors") == [*main, "t:side"]
    assert await names(api, "/sensors", area="manhattan") == main
    assert await names(api, "/sensors", road="side street") == ["t:side"]
    assert await names(api, "/sensors", bbox="-73.85,40.6,-73.7,40.8") == ["t:side"]
    assert await names(api, "/sensors", q="MAIN -2") == ["t:Main Street-2"]
    assert await names(api, "/sensors", sensor=["t:side", "t:Main Street-1"]) == ["t:Main Street-1", "t:side"]
    assert await names(api, "/sensors", q="100%") == []


async def test_one_sensor_is_told_whole_and_an_unknown_one_is_404(api: httpx.AsyncClient) -> None:
    sensor = (await api.get("/sensors/t:side")).json()
    assert (sensor["area"], sensor["free_flow_speed_kmh"], sensor["geometry"]) == ("Queens", 50.0, None)
    missing = await api.get("/sensors/t:nowhere")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert "/api/v1/sensors" in missing.json()["detail"]


async def test_the_nearest_sensors_come_first_with_their_distance(api: httpx.AsyncClient) -> None:
    near = await items(api, "/sensors/nearest", lat=40, lon=-73.9, limit=2)
    assert [item["sensor"] for item in near] == ["t:Main Street-0", "t:Main Street-1"]
    assert near[0]["distance_m"] == pytest.approx(0, abs=0.1)
    assert near[1]["distance_m"] == pytest.approx(1000, rel=0.001)


async def test_an_id_with_a_slash_reaches_its_sensor(api: httpx.AsyncClient, city: City) -> None:
    await city.sensor("a/b", area="Bronx")
    assert (await api.get("/sensors/t:a/b")).json()["area"] == "Bronx"
    assert (await api.get("/sensors/t%3Aa%2Fb/history")).json()["items"] == []


async def test_current_traffic_has_the_level_of_service(api: httpx.AsyncClient) -> None:
    found = {item["sensor"]: item for item in await items(api, "/traffic/current")}
    slow = found["t:Main Street-0"]
    assert (slow["speed_kmh"], slow["speed_ratio"], slow["los"]) == (15.0, 0.25, "F")
    assert found["t:Main Street-2"]["los"] == "A"
    one = (await api.get("/traffic/current/t:side")).json()
    assert one == found["t:side"]
    assert await names(api, "/traffic/current", area="Queens") == ["t:side"]


async def test_current_traffic_as_geojson_is_a_feature_collection(api: httpx.AsyncClient) -> None:
    answer = await api.get("/traffic/current", headers={"Accept": "application/geo+json"}, params={"area": "Queens"})
    assert answer.headers["content-type"] == "application/geo+json"
    [feature] = answer.json()["features"]
    assert (feature["id"], feature["geometry"]) == ("t:side", {"type": "Point", "coordinates": [-73.8, 40.7]})
    assert feature["properties"]["speed_kmh"] == 40.0


async def test_areas_and_the_city_are_summed_up(api: httpx.AsyncClient) -> None:
    found = {item["area"]: item for item in await items(api, "/traffic/areas")}
    assert found["Manhattan"]["speed_kmh"] == 40.0
    assert (found["Manhattan"]["los_f"], found["Manhattan"]["los_a"], found["Manhattan"]["reporting"]) == (1, 1, 3)
    whole = (await api.get("/traffic/city")).json()
    assert (whole["reporting"], whole["speed_kmh"]) == (4, 40.0)


@pytest.mark.parametrize(
    ("level", "buckets", "readings"), [("raw", 25, 1), ("5m", 25, 1), ("1h", 3, 12), ("1d", 1, 25)]
)
async def test_history_is_told_at_every_level(
    api: httpx.AsyncClient, level: str, buckets: int, readings: int
) -> None:
    day = {"from": NOON.replace(hour=0).isoformat(), "to": NOON.replace(hour=23).isoformat()}
    found = await items(api, "/sensors/t:side/history", level=level, **day)
    assert len(found) == buckets
    assert (found[0]["speed_kmh"], found[0]["readings"], found[0]["good_share"]) == (40.0, readings, 1.0)


async def test_the_level_follows_the_span(api: httpx.AsyncClient) -> None:
    lengths = {"raw": 60, "5m": 60 * 24, "1h": 60 * 24 * 20, "1d": 60 * 24 * 90}
    for level, length in lengths.items():
        answer = await api.get("/sensors/t:side/history", params=span(before=length))
        assert answer.json()["level"] == level


async def test_areas_and_the_city_have_a_history(api: httpx.AsyncClient) -> None:
    manhattan = await items(api, "/areas/manhattan/history", level="5m", **span())
    assert len(manhattan) == 25
    assert (manhattan[0]["speed_kmh"], manhattan[0]["readings"]) == (40.0, 3)
    assert manhattan[0]["speed_sd_kmh"] == pytest.approx(21.79, abs=0.01)
    city = await items(api, "/history", level="1h", **span())
    assert [row["readings"] for row in city] == [48, 48, 4]
    assert (await api.get("/areas/atlantis/history")).status_code == 404


async def test_a_week_is_compared_with_the_one_before(api: httpx.AsyncClient, city: City) -> None:
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    before = NOON - minutes(7 * 24 * 60)
    await city.read(Reading(row["id"], before + minutes(step), 50.0, 500) for step in range(-60, 61, 5))
    [queens] = [row for row in await items(api, "/compare", **span()) if row["subject"] == "Queens"]
    assert (queens["speed_kmh"], queens["baseline_speed_kmh"]) == (40.0, 50.0)
    assert (queens["change_kmh"], queens["change_percent"]) == (-10.0, -20.0)
    assert (queens["volume_vph"], queens["baseline_volume_vph"]) == (600.0, 500.0)
    assert (queens["hours"], queens["baseline_hours"]) == (3, 3)
    by_sensor = await items(api, "/compare", by="sensor", area="Queens", **span())
    assert [(row["subject"], row["change_kmh"]) for row in by_sensor] == [("t:side", -10.0)]
    for by, subject in (("city", "city"), ("corridor", "Side Street E")):
        assert subject in [row["subject"] for row in await items(api, "/compare", by=by, **span())]


async def test_a_week_is_not_compared_with_one_of_few_hours(api: httpx.AsyncClient, city: City) -> None:
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    await city.read([Reading(row["id"], NOON - minutes(7 * 24 * 60), 50.0, 500)])
    [queens] = [row for row in await items(api, "/compare", **span()) if row["subject"] == "Queens"]
    assert (queens["speed_kmh"], queens["baseline_speed_kmh"]) == (40.0, 50.0)
    assert (queens["hours"], queens["baseline_hours"]) == (3, 1)
    assert (queens["change_kmh"], queens["change_percent"], queens["change_low_kmh"]) == (None, None, None)


async def test_spans_that_follow_one_another_are_compared_however_they_are_said(api: httpx.AsyncClient) -> None:
    asked = {"from": "-2d", "to": "-1d", "baseline_from": "-3d", "baseline_to": "-2d"}
    assert await items(api, "/compare", **asked) == []


async def test_an_area_may_be_said_as_in_an_address(api: httpx.AsyncClient, city: City) -> None:
    await city.sensor("ferry", area="Staten Island")
    assert await names(api, "/sensors", area="staten-island") == ["t:ferry"]
    assert (await api.get("/areas/staten-island/history")).json()["items"] == []


async def test_spans_that_overlap_are_not_compared(api: httpx.AsyncClient) -> None:
    answer = await api.get("/compare", params={**span(), "baseline_from": NOON.isoformat(), "baseline_to": "now"})
    assert answer.status_code == 422
    assert "overlaps" in answer.json()["detail"]


async def test_corridors_have_travel_times_a_scan_and_reliability(api: httpx.AsyncClient) -> None:
    found = {row["corridor"]: row for row in await items(api, "/corridors")}
    assert (found["Main Street N"]["links"], found["Main Street N"]["length_m"]) == (3, 3000.0)
    assert found["Main Street N"]["free_flow_travel_time_s"] == 180.0
    assert list(found) == [row["corridor"] for row in await items(api, "/corridors")]
    assert [row["corridor"] for row in await items(api, "/corridors", area="queens")] == ["Side Street E"]
    times = await items(api, "/corridors/main street n/travel-times", **span())
    assert len(times) == 25
    assert times[0]["travel_time_s"] == pytest.approx(3600 / 15 + 3600 / 50 + 3600 / 55, abs=0.1)
    cells = await items(api, "/corridors/Main Street N/scan", **span())
    assert [(cell["ordinal"], cell["speed_kmh"]) for cell in cells[:3]] == [(1, 15.0), (2, 50.0), (3, 55.0)]
    whole = (await api.get("/corridors/Main Street N/reliability", params=span())).json()
    assert (whole["travel_time_index"], whole["buffer_index"], whole["buckets"]) == (2.097, 0.0, 25)
    assert (await api.get("/corridors/Nowhere/scan")).status_code == 404


async def test_measures_of_the_day_are_told(api: httpx.AsyncClient) -> None:
    delay = {row["sensor"]: row for row in await items(api, "/delay", **span())}
    assert delay["t:Main Street-0"]["delay_s_per_vehicle"] == pytest.approx(3600 / 15 - 3600 / 60)
    assert delay["t:Main Street-0"]["day"] == NOON.date().isoformat()
    reliability = await items(api, "/reliability", corridor="main street n", **span())
    assert {row["sensor"] for row in reliability} <= {f"t:Main Street-{number}" for number in range(3)}
    assert all(row["travel_time_index"] >= 1 for row in reliability)
    assert {row["area"] for row in await items(api, "/delay", area="queens", **span())} == {"Queens"}


async def test_bottlenecks_are_ranked(api: httpx.AsyncClient) -> None:
    [found] = await items(api, "/bottlenecks", **span())
    assert (found["sensor"], found["rank"], found["corridor"]) == ("t:Main Street-0", 1, "Main Street N")
    assert found["active_minutes"] == 125


async def test_health_says_which_sensors_to_trust(api: httpx.AsyncClient) -> None:
    found = await items(api, "/sensors/health")
    assert {row["sensor"]: row["readings"] for row in found}["t:side"] == 25
    healthy = await names(api, "/sensors/health", healthy=True)
    unhealthy = await names(api, "/sensors/health", healthy=False)
    assert sorted(healthy + unhealthy) == sorted(row["sensor"] for row in found)


async def test_the_pattern_is_the_normal_band_of_the_day(api: httpx.AsyncClient, city: City) -> None:
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    days = [NOON - minutes(24 * 60 * back) for back in (3, 4, 5, 6)]  # Friday back to Tuesday
    await city.read(Reading(row["id"], day, speed) for day, speed in zip(days, (10.0, 20.0, 30.0, 40.0), strict=True))
    found = await items(api, "/sensors/t:side/pattern")
    [noon] = [row for row in found if (row["day_type"], row["minute"]) == ("weekday", 720)]
    assert (noon["days"], noon["speed_kmh"]) == (5, 30.0)
    assert (noon["lower_kmh"], noon["upper_kmh"]) == (14.0, 40.0)
    area = await items(api, "/areas/queens/pattern")
    assert [row for row in area if row["minute"] == 720] == [noon]


async def test_weather_clusters_and_anomalies_are_listed(api: httpx.AsyncClient, city: City) -> None:
    await city.chunks("weather", "anomalies", "predictions", at=NOON)
    await city.connection.execute(
        "INSERT INTO weather (station, time, temperature_c) VALUES ('city', %s, 21.5), ('hill', %s, 18)",
        [NOON, NOON],
    )
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    await city.connection.execute(
        "INSERT INTO anomalies (sensor_id, time, kind, score, expected, observed) "
        "VALUES (%s, %s, 'speed_drop', 6, 40, 9)",
        [row["id"], NOON],
    )
    await city.connection.execute(
        "INSERT INTO sensor_clusters VALUES (%s, 1, 2, 0.1, '{1, 0.5}', %s)", [row["id"], NOON]
    )
    assert [row["temperature_c"] for row in await items(api, "/weather", station="city", **span())] == [21.5]
    [found] = await items(api, "/anomalies", least_score=5, **span())
    assert (found["sensor"], found["kind"], found["observed"]) == ("t:side", "speed_drop", 9.0)
    assert await items(api, "/anomalies", least_score=7, **span()) == []
    [member] = await items(api, "/clusters", cluster=1)
    assert (member["sensor"], member["profile"]) == ("t:side", [1.0, 0.5])


async def test_predictions_are_the_newest_and_their_skill_is_scored(api: httpx.AsyncClient, city: City) -> None:
    await city.chunks("predictions", at=NOON)
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    made = [(row["id"], NOON + minutes(10 + ahead), NOON + minutes(10), 44.0, 39.0, 49.0) for ahead in (15, 30)]
    older = (row["id"], NOON + minutes(15), NOON, 10.0, 9.0, 11.0)
    async with city.connection.cursor() as cursor:
        await cursor.executemany("INSERT INTO predictions VALUES (%s, %s, %s, %s, %s, %s, 'm1')", [*made, older])
    found = await items(api, "/predictions")
    assert [(row["horizon_minutes"], row["speed_kmh"], row["los"]) for row in found] == [
        (15, 44.0, "A"),
        (30, 44.0, "A"),
    ]
    assert len(await items(api, "/predictions", horizon=30, sensor="t:side")) == 1
    assert await items(api, "/predictions/skill", **span()) == []
    await score_forecasts(city.connection, Settings())
    skill = {row["horizon_minutes"]: row for row in await items(api, "/predictions/skill", **span())}
    assert (skill[15]["model"], skill[15]["predictions"]) == ("m1", 2)
    assert skill[15]["mae_kmh"] == pytest.approx((4 + 30) / 2)
    assert (skill[15]["persistence_mae_kmh"], skill[15]["skill"], skill[15]["coverage"]) == (0.0, None, 0.5)
    assert (skill[15]["profile_mae_kmh"], skill[15]["width_kmh"]) == (None, 6.0)
    assert (skill[30]["mae_kmh"], skill[30]["rmse_kmh"], skill[30]["mape_percent"]) == (4.0, 4.0, 10.0)
    exported = await items(api, "/export/forecast_skill", **span())
    assert [(row["horizon_minutes"], row["mae_kmh"]) for row in exported] == [(15, 17.0), (30, 4.0)]
