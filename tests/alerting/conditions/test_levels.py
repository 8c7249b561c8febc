"""Thresholds and deviations: of newest readings and of full buckets, of sensors and of what gathers them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.alerting.watching import Watch
from tests.schema.city import Reading, every_5_minutes

NOW = datetime(2026, 3, 3, 12, 2, tzinfo=UTC)  # a Tuesday
BUCKET = datetime(2026, 3, 3, 11, 55, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def speed(by: str = "sensor", level: str = "now", measure: str = "speed_kmh") -> dict[str, object]:
    return {"kind": "threshold", "measure": measure, "by": by, "level": level, "below": 20}


async def test_a_city_without_sensors_has_no_subjects(watch: Watch) -> None:
    for by in ("sensor", "area", "corridor", "cluster", "city"):
        for level in ("now", "5m", "1h", "1d"):
            assert await watch.values(speed(by, level), NOW) == {}


async def test_the_newest_reading_counts_until_it_is_a_quarter_of_an_hour_old(watch: Watch) -> None:
    ids = [await watch.city.sensor(name) for name in ("fresh", "old", "never")]
    await watch.city.read([Reading(ids[0], NOW - 15 * MINUTE, 30), Reading(ids[1], NOW - 15.1 * MINUTE, 10)])
    assert await watch.values(speed(), NOW) == {"t:fresh": 30, "t:old": None, "t:never": None}


async def test_a_flagged_reading_does_not_count(watch: Watch) -> None:
    sensor = await watch.city.sensor("a")
    await watch.city.read([Reading(sensor, BUCKET, 30), Reading(sensor, BUCKET + MINUTE, 1, flag=1)])
    assert await watch.values(speed(), NOW) == {"t:a": 30}
    assert await watch.values(speed(level="5m"), NOW) == {"t:a": 30}


async def test_a_bucket_counts_once_it_is_full_and_its_last_readings_have_had_time_to_come(watch: Watch) -> None:
    sensor = await watch.city.sensor("a")
    await watch.city.read(every_5_minutes(sensor, BUCKET - 5 * MINUTE, [10, 20, 30]))
    noon = BUCKET + 5 * MINUTE
    assert await watch.values(speed(level="5m"), noon + timedelta(seconds=29)) == {"t:a": 10}
    assert await watch.values(speed(level="5m"), noon + timedelta(seconds=30)) == {"t:a": 20}
    assert await watch.values(speed(level="5m"), noon + timedelta(minutes=10)) == {"t:a": 30}
    assert await watch.values(speed(level="5m"), noon + timedelta(minutes=11)) == {"t:a": None}
    assert await watch.values(speed(level="1h"), noon + MINUTE) == {"t:a": 15}
    assert await watch.values(speed(level="1d"), noon + timedelta(days=1)) == {"t:a": 20}


async def test_a_mean_over_sensors_is_weighted_by_length_where_all_have_one(watch: Watch) -> None:
    long = await watch.city.sensor("long", area="known", length_m=3000)
    short = await watch.city.sensor("short", area="known", length_m=1000)
    plain = [
        await watch.city.sensor(name, area="plain", length_m=length) for name, length in (("p", 3000), ("q", None))
    ]
    await watch.city.read(
        [Reading(sensor, BUCKET, kmh) for sensor, kmh in zip([long, short, *plain], [10, 50, 10, 50], strict=True)]
    )
    for level in ("now", "5m"):
        assert await watch.values(speed("area", level), NOW) == {"known": 20, "plain": 30}
    volume = {**speed("city"), "measure": "volume_vph"}
    assert await watch.values(volume, NOW) == {"city": None}
    assert await watch.values(speed("city"), NOW) == {"city": 30}


async def test_a_corridor_has_a_travel_time_from_end_to_end(watch: Watch) -> None:
    ids = await watch.city.corridor("FDR", [0, 1, 2], free_flow_speed_kmh=60)
    await watch.city.read([Reading(ids[0], BUCKET, 60), Reading(ids[1], BUCKET, 20)])
    time = await watch.values(speed("corridor", measure="travel_time_s"), NOW)
    assert time == {"FDR N": pytest.approx((60 + 180) * 3 / 2)}
    index = await watch.values(speed("corridor", measure="travel_time_index"), NOW)
    assert index == {"FDR N": pytest.approx(2)}
    ratio = await watch.values(speed("corridor", measure="speed_ratio"), NOW)
    assert ratio == {"FDR N": pytest.approx(2 / 3)}
    assert (await watch.values(speed("sensor", measure="speed_ratio"), NOW))["t:FDR-1"] == 0.333


async def test_a_standstill_has_a_travel_time_all_the_same(watch: Watch) -> None:
    sensor = await watch.city.sensor("a", length_m=1000, free_flow_speed_kmh=80)
    await watch.city.read([Reading(sensor, BUCKET, 0)])
    assert await watch.values(speed(measure="travel_time_s"), NOW) == {"t:a": pytest.approx(3600 / 1.6)}
    assert await watch.values(speed(measure="travel_time_index"), NOW) == {"t:a": pytest.approx(50)}


async def test_subjects_carry_what_is_known_of_them(watch: Watch) -> None:
    [sensor] = await watch.city.corridor("FDR", [0], area="Manhattan")
    await watch.city.read([Reading(sensor, BUCKET, 30)])
    seen = (await watch.sees(speed(), NOW))["t:FDR-0"]
    assert seen.name == "FDR-0"
    assert seen.labels == {
        "sensor": "t:FDR-0", "area": "Manhattan", "road": "FDR", "direction": "N", "corridor": "FDR N", "source": "t",
    }  # fmt: skip
    corridor = (await watch.sees(speed("corridor"), NOW))["FDR N"]
    assert corridor.labels == {
        "corridor": "FDR N", "road": "FDR", "direction": "N", "area": "Manhattan", "source": "t",
    }  # fmt: skip


async def test_only_sensors_that_fit_each_line_of_where_count(watch: Watch) -> None:
    ids = [
        await watch.city.sensor(name, area=area, road=road)
        for name, area, road in (("a", "Queens", "I-495"), ("b", "Queens", "BQE"), ("c", "Brooklyn", "BQE"))
    ]
    await watch.city.read([Reading(sensor, BUCKET, kmh) for sensor, kmh in zip(ids, (10, 20, 40), strict=True)])
    queens = {"where": {"areas": ["Queens"]}}
    assert await watch.values(speed(), NOW, **queens) == {"t:a": 10, "t:b": 20}
    assert await watch.values(speed(), NOW, where={"areas": ["Queens"], "roads": ["BQE"]}) == {"t:b": 20}
    assert await watch.values(speed("area"), NOW, where={"roads": ["BQE"]}) == {"Queens": 20, "Brooklyn": 40}
    assert await watch.values(speed("city"), NOW, **queens) == {"city": 15}
    assert await watch.values(speed(), NOW, where={"sensors": ["t:c"], "corridors": ["BQE"]}) == {"t:c": 40}
    assert await watch.values(speed(), NOW, where={"clusters": ["flat"]}) == {}


async def profile(
    watch: Watch, sensor: str, day_type: str, minute: int, kmh: float, vph: float | None = None
) -> None:
    await watch.city.connection.execute(
        "INSERT INTO spark_runs (id, job, status, parameters, code_version) "
        "VALUES ('r', 'patterns', 'succeeded', '{}', '1') ON CONFLICT DO NOTHING"
    )
    await watch.city.connection.execute(
        "INSERT INTO profiles VALUES ('sensor', %s, %s, %s, %s, %s, %s, %s, 9, 'r')",
        [f"t:{sensor}", day_type, minute, kmh, kmh - 5, kmh + 5, vph],
    )


def deviation(by: str = "sensor", level: str = "now", **others: object) -> dict[str, object]:
    return {"kind": "deviation", "by": by, "level": level, "below": 0.6, **others}


async def test_a_deviation_is_over_what_is_normal_at_this_quarter_of_an_hour_of_this_kind_of_day(
    watch: Watch,
) -> None:
    sensor = await watch.city.sensor("a", area="Queens")
    other = await watch.city.sensor("b", area="Queens")
    await profile(watch, "a", "weekday", 7 * 60, 50, 1000)  # 12:00 UTC in winter
    await profile(watch, "a", "weekday", 6 * 60 + 45, 100)
    await profile(watch, "b", "weekday", 7 * 60, 150)
    await watch.city.read([Reading(sensor, NOW - 4 * MINUTE, 25, 500), Reading(other, NOW - 4 * MINUTE, 125)])
    assert await watch.values(deviation(), NOW) == {"t:a": 0.5, "t:b": pytest.approx(125 / 150)}
    assert await watch.values(deviation(level="5m"), NOW) == {"t:a": 0.25, "t:b": None}
    assert await watch.values(deviation("area"), NOW) == {"Queens": 0.75}
    assert await watch.values(deviation("city", measure="volume_vph"), NOW) == {"city": 0.5}


@pytest.mark.parametrize(
    ("day", "kind"), [(28, "saturday"), (29, "sunday"), (30, "weekday"), (25, "sunday")], ids=str
)
async def test_public_holidays_are_sundays(watch: Watch, day: int, kind: str) -> None:
    """25 May 2026 is Memorial Day; the others are of November."""
    now = datetime(2026, 5 if day == 25 else 11, day, 17, 1, tzinfo=UTC)
    sensor = await watch.city.sensor("a")
    for number, each in enumerate(("weekday", "saturday", "sunday"), start=1):
        for hour in (12, 13):
            await profile(watch, "a", each, hour * 60, 10 * number)
    await watch.city.read([Reading(sensor, now, 60)])
    expected = {"weekday": 6, "saturday": 3, "sunday": 2}[kind]
    assert await watch.values(deviation(), now) == {"t:a": expected}


async def test_the_deviation_of_an_hour_is_from_its_four_quarters(watch: Watch) -> None:
    sensor = await watch.city.sensor("a")
    for quarter, kmh in enumerate((10, 20, 30, 40)):
        await profile(watch, "a", "weekday", 6 * 60 + 15 * quarter, kmh)
    await watch.city.read([Reading(sensor, BUCKET, 50)])
    assert await watch.values(deviation(level="1h"), NOW) == {"t:a": 2}


async def test_without_profiles_there_are_no_data(watch: Watch) -> None:
    await watch.city.read([Reading(await watch.city.sensor("a"), BUCKET, 50)])
    assert await watch.values(deviation(), NOW) == {"t:a": None}
    assert await watch.values(deviation("city"), NOW) == {"city": None}


async def test_sensors_of_a_cluster_are_one_subject(watch: Watch) -> None:
    ids = [await watch.city.sensor(name) for name in "abc"]
    await profile(watch, "a", "weekday", 0, 1)
    await watch.city.connection.execute(
        "INSERT INTO cluster_shapes VALUES (0, 'morning peak', 2, 1, '{}', 0.5, 1, 'r')"
    )
    for sensor in ids[:2]:
        await watch.city.connection.execute(
            "INSERT INTO sensor_clusters VALUES (%s, 0, 2, 0.1, '{}', now())", [sensor]
        )
    await watch.city.read([Reading(sensor, BUCKET, kmh) for sensor, kmh in zip(ids, (10, 20, 60), strict=True)])
    assert await watch.values(speed("cluster"), NOW) == {"morning peak": 15}
    assert await watch.values(speed(), NOW, where={"clusters": ["morning peak"]}) == {"t:a": 10, "t:b": 20}
