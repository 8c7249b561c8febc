"""Incidents, anomalies, silence and forecasts as rules see them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schema.alerting.words import Priority
from tests.alerting.watching import Watch
from tests.schema.city import Reading, every_5_minutes

NOW = datetime(2026, 3, 3, 12, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def incident(watch: Watch, name: str, **columns: Any) -> None:
    known = {
        "id": f"t:{name}", "time": NOW, "status": "reported", "kind": "collision", "severity": "high",
        "started_at": NOW, "cleared_at": None, "sensors": [], "area": None, "road": None, **columns,
    }  # fmt: skip
    await watch.city.connection.execute(
        f"INSERT INTO incidents ({', '.join(known)}) VALUES ({', '.join(f'%({key})s' for key in known)})".encode(),
        known,
    )


async def test_incidents_that_last_are_seen_by_type_and_severity(watch: Watch) -> None:
    await incident(watch, "high")
    await incident(watch, "low", severity="low")
    await incident(watch, "works", kind="road_works", severity="critical")
    await incident(watch, "over", status="cleared", cleared_at=NOW)
    every = {"kind": "incident"}
    assert set(await watch.sees(every, NOW)) == {"t:high", "t:low", "t:works"}
    assert set(await watch.sees({**every, "severity": "high"}, NOW)) == {"t:high", "t:works"}
    seen = await watch.sees({**every, "types": ["collision"], "severity": "medium"}, NOW)
    assert set(seen) == {"t:high"}
    assert seen["t:high"].priority is Priority.HIGH
    assert seen["t:high"].value == 3


async def test_an_incident_has_the_sensors_it_affects_and_their_places(watch: Watch) -> None:
    await watch.city.corridor("FDR", [0, 1], area="Manhattan")
    await incident(watch, "one", sensors=["t:FDR-0", "t:FDR-1", "t:gone"], severity="critical")
    await incident(watch, "two", area="Queens", road="BQE")
    seen = await watch.sees({"kind": "incident"}, NOW)
    assert seen["t:one"].labels == {
        "incident": "t:one", "type": "collision", "severity": "critical", "source": "t",
        "sensor": ["t:FDR-0", "t:FDR-1", "t:gone"], "area": "Manhattan", "road": "FDR", "corridor": "FDR N",
    }  # fmt: skip
    assert seen["t:two"].name == "Collision on BQE"
    for where, expected in (
        ({"areas": ["Queens"]}, {"t:two"}),
        ({"sensors": ["t:FDR-1"]}, {"t:one"}),
        ({"corridors": ["FDR N"], "areas": ["Queens"]}, set()),
    ):
        assert set(await watch.sees({"kind": "incident"}, NOW, where=where)) == expected


async def test_an_incident_whose_id_names_no_source_has_those_of_its_sensors(watch: Watch) -> None:
    await incident(watch, "", id="t:named", sensors=["dot:1"])
    await incident(watch, "", id="one", sensors=["dot:1", "dot:2"])
    await incident(watch, "", id="two", sensors=["dot:1", "cams:2"])
    await incident(watch, "", id="none")
    seen = await watch.sees({"kind": "incident"}, NOW)
    sources = {subject: one.labels.get("source") for subject, one in seen.items()}
    assert sources == {"t:named": "t", "one": "dot", "two": ["cams", "dot"], "none": None}


async def test_the_description_of_an_incident_is_a_label_of_one_line(watch: Watch) -> None:
    await incident(watch, "rain", kind="weather", road="Belt Parkway", description="Heavy rain;\n\tflooding \x1b[1m")
    await incident(watch, "long", description="x" * 900)
    await incident(watch, "none", description=" \n")
    seen = await watch.sees({"kind": "incident"}, NOW)
    assert seen["t:rain"].name == "Weather on Belt Parkway"
    assert seen["t:rain"].labels["description"] == "Heavy rain; flooding [1m"
    assert len(seen["t:long"].labels["description"]) == 500
    assert "description" not in seen["t:none"].labels


async def test_anomalies_that_last_are_seen_by_kind_and_score(watch: Watch) -> None:
    sensor = await watch.city.sensor("FDR at 34 St", external_id="t:a", area="Manhattan")
    await watch.city.chunks("anomalies", at=NOW)
    rows = [("speed_drop", None, 5), ("stuck", None, 2), ("silent", NOW, 9)]
    for number, (kind, ended, score) in enumerate(rows):
        await watch.city.connection.execute(
            "INSERT INTO anomalies (sensor_id, time, kind, ended_at, score) VALUES (%s, %s, %s, %s, %s)",
            [sensor, NOW - (number + 1) * MINUTE, kind, ended, score],
        )
    every = {"kind": "anomaly"}
    assert await watch.values(every, NOW) == {"t:a/speed_drop": 5, "t:a/stuck": 2}
    assert await watch.values({**every, "score": 3}, NOW) == {"t:a/speed_drop": 5}
    assert await watch.values({**every, "kinds": ["stuck", "silent"]}, NOW) == {"t:a/stuck": 2}
    assert await watch.values(every, NOW, where={"areas": ["Queens"]}) == {}
    seen = (await watch.sees(every, NOW))["t:a/speed_drop"]
    assert (seen.name, seen.labels["anomaly"], seen.labels["area"]) == (
        "speed drop at FDR at 34 St", "speed_drop", "Manhattan",
    )  # fmt: skip


def silence(by: str, longer_than: str = "15m") -> dict[str, object]:
    return {"kind": "silence", "by": by, "longer_than": longer_than}


async def test_silence_is_the_time_since_something_was_last_heard(watch: Watch) -> None:
    talking = await watch.city.sensor("talking", area="Queens", external_id="x:1")
    quiet = await watch.city.sensor("quiet", area="Queens", external_id="x:2")
    alone = await watch.city.sensor("alone", area="Brooklyn", external_id="y:1")
    await watch.city.sensor("never", area="Bronx", external_id="z:1")
    ages = {talking: 1, quiet: 20, alone: 30}
    await watch.city.read([Reading(sensor, NOW - age * MINUTE, 30) for sensor, age in ages.items()])
    assert await watch.values(silence("sensor"), NOW) == {"x:1": 60, "x:2": 1200, "y:1": 1800, "z:1": None}
    assert await watch.values(silence("area"), NOW) == {"Queens": 60, "Brooklyn": 1800, "Bronx": None}
    assert await watch.values(silence("source"), NOW) == {"x": 60, "y": 1800, "z": None}


async def test_what_was_last_heard_more_than_a_day_before_it_is_silent_is_of_the_past(watch: Watch) -> None:
    minutes = {"x:lately": 30, "x:a day ago": 24 * 60 + 10, "y:recorded": 4 * 24 * 60}
    for name, age in minutes.items():
        sensor = await watch.city.sensor(name, external_id=name)
        await watch.city.read([Reading(sensor, NOW - age * MINUTE, 30)])

    async def of_the_past(by: str, longer_than: str = "15m") -> set[str]:
        seen = await watch.sees(silence(by, longer_than), NOW)
        return {subject for subject, one in seen.items() if one.is_past}

    assert await of_the_past("sensor") == {"y:recorded"}
    assert await of_the_past("source") == {"y"}
    assert await of_the_past("sensor", longer_than="4d") == set()


async def test_a_sensor_whose_readings_are_flagged_is_not_silent(watch: Watch) -> None:
    sensor = await watch.city.sensor("stuck")
    await watch.city.read([Reading(sensor, NOW - 60 * MINUTE, 30), Reading(sensor, NOW - 2 * MINUTE, 30, flag=2)])
    assert await watch.values(silence("sensor"), NOW) == {"t:stuck": 120}


async def test_a_source_is_down_once_all_its_sensors_have_been_silent_though_they_spoke_within_a_day(
    watch: Watch,
) -> None:
    async def spoke(name: str, minutes: float) -> Reading:
        return Reading(await watch.city.sensor(name, external_id=name), NOW - minutes * MINUTE, 30)

    await watch.city.sensor("never", external_id="never:1")
    await watch.city.read(
        [
            await spoke("down:1", 6),
            await spoke("down:2", 60 * 23),
            await spoke("up:1", 4.9),
            await spoke("up:2", 300),
            await spoke("gone:1", 60 * 25),
        ]
    )
    assert await watch.down(NOW) == {"down"}


async def test_a_source_that_reports_seldom_is_given_three_of_its_pauses(watch: Watch) -> None:
    sensor = await watch.city.sensor("slow", external_id="slow:1")
    await watch.city.read(every_5_minutes(sensor, NOW - 120 * MINUTE, [30.0 + n for n in range(23)]))
    await watch.city.compute(NOW.date())
    newest = NOW - 10 * MINUTE
    assert await watch.down(newest + 14 * MINUTE) == set()
    assert await watch.down(newest + 16 * MINUTE) == {"slow"}


async def test_forecasts_are_the_newest_for_that_time_ahead(watch: Watch) -> None:
    sensor = await watch.city.sensor("a", free_flow_speed_kmh=50, area="Queens")
    await watch.city.sensor("none", free_flow_speed_kmh=50, area="Queens")
    await watch.city.chunks("predictions", at=NOW)
    for made, ahead, kmh in ((1, 30, 20), (2, 30, 90), (1, 35, 80), (1, 25, 70), (-1, 30, 60)):
        made_at = NOW - made * MINUTE
        await watch.city.connection.execute(
            "INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, model) VALUES (%s, %s, %s, %s, 'm')",
            [sensor, made_at + ahead * MINUTE, made_at, kmh],
        )
    foretold = {"kind": "forecast", "ahead": "30m", "below": 30}
    assert await watch.values(foretold, NOW) == {"t:a": 20, "t:none": None}
    assert await watch.values({**foretold, "ahead": "21m"}, NOW) == {"t:a": 70, "t:none": None}
    assert await watch.values({**foretold, "measure": "speed_ratio"}, NOW) == {"t:a": 0.4, "t:none": None}
    assert await watch.values({**foretold, "by": "area"}, NOW) == {"Queens": 20}
    assert await watch.values(foretold, NOW + 20 * MINUTE) == {"t:a": None, "t:none": None}
