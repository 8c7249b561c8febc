"""A back-test sees the past as rules saw it then, and holds what it finds against incidents."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting.backtest.backtest import Backtest, backtest
from alerting.backtest.history import history
from alerting.conditions import Context
from alerting.conditions.levels import SETTLED
from tests.alerting.commands import said
from tests.alerting.watching import Watch, rule_when
from tests.schema.city import Reading
from urbanclear.errors import ConfigurationError

START = datetime(2026, 3, 2, 6, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)
NEW_YORK = ("America/New_York", "US")


async def back(watch: Watch, when: dict[str, Any], hours: float = 2, **others: Any) -> Backtest:
    until = START + timedelta(hours=hours)
    async with watch.engine.connect() as connection:
        return await backtest(connection, rule_when(when, **others), START, until, Context(until, *NEW_YORK))


def threshold(**others: Any) -> dict[str, Any]:
    return {"kind": "threshold", "measure": "speed_kmh", "level": "5m", "below": 20, **others}


async def a_varied_past(watch: Watch) -> None:
    random.seed(1)
    ids = [
        await watch.city.sensor(f"{area}-{n}", area=area, length_m=500 + 100 * n, free_flow_speed_kmh=80)
        for area in ("Queens", "Bronx")
        for n in range(2)
    ]
    await watch.city.connection.execute(
        "INSERT INTO spark_runs (id, job, status, parameters, code_version) "
        "VALUES ('r', 'patterns', 'succeeded', '{}', '1')"
    )
    await watch.city.connection.execute(
        "INSERT INTO profiles "
        "SELECT 'sensor', external_id, 'weekday', minute, 40 + minute % 31, 1, 99, NULL, 9, 'r' "
        "FROM sensors, generate_series(0, 1425, 15) AS minute WHERE external_id <> 't:Bronx-1'"
    )
    await watch.city.read(
        Reading(sensor, START + minute * MINUTE, random.uniform(5, 90))
        for sensor in ids
        for minute in range(-30, 120)
        if random.random() < 0.2
    )


@pytest.mark.parametrize(
    "when",
    [
        threshold(),
        threshold(by="area", measure="speed_ratio"),
        {"kind": "deviation", "by": "sensor", "level": "5m", "below": 0.5},
        {"kind": "deviation", "by": "city", "level": "5m", "below": 0.5},
    ],
    ids=["speed", "ratio by area", "deviation", "deviation of the city"],
)
async def test_at_each_moment_the_past_shows_what_was_to_be_seen_then(watch: Watch, when: dict[str, Any]) -> None:
    await a_varied_past(watch)
    until = START + timedelta(hours=2)
    async with watch.engine.connect() as connection:
        found = await history(connection, rule_when(when), START, until, Context(until, *NEW_YORK), lambda _: None)
    assert found.grid.length == 24
    for row in range(24):
        seen = await watch.values(when, found.grid.time(row))
        past = {track.subject.key: float(track.values[row]) for track in found.tracks}
        assert past == pytest.approx({key: float("nan") if v is None else v for key, v in seen.items()}, nan_ok=True)


async def test_silence_is_seen_in_steps_of_five_minutes(watch: Watch) -> None:
    sensor = await watch.city.sensor("a")
    await watch.city.sensor("never")
    await watch.city.read(
        [Reading(sensor, START - 60 * MINUTE, 30), Reading(sensor, START + 32 * MINUTE, 30, flag=2)]
    )
    result = await back(watch, {"kind": "silence", "longer_than": "1h"})
    assert [(one.subject, one.fired_at - START) for one in result.firings] == [
        ("t:a", 10 * MINUTE + SETTLED),
        ("t:a", 100 * MINUTE + SETTLED),
    ]
    assert result.firings[0].ended_at == START + 35 * MINUTE + SETTLED


async def incident(watch: Watch, name: str, began: float, ended: float | None, **columns: Any) -> None:
    """Minutes from the start; told of when it began, unless `updates` says when and how severe."""
    updates = columns.pop("updates", [(began, columns.get("severity", "high"))])
    row = {
        "id": name, "kind": "collision", "severity": "high", "sensors": [], "area": None, "road": None, **columns,
        "time": START + (ended or began) * MINUTE, "status": "reported" if ended is None else "cleared",
        "started_at": START + began * MINUTE, "cleared_at": None if ended is None else START + ended * MINUTE,
    }  # fmt: skip
    await watch.city.connection.execute(
        f"INSERT INTO incidents ({', '.join(row)}) VALUES ({', '.join(f'%({key})s' for key in row)})".encode(), row
    )
    await watch.city.chunks("incident_updates", at=START)
    for minute, severity in updates:
        await watch.city.connection.execute(
            "INSERT INTO incident_updates (incident_id, time, status, severity) VALUES (%s, %s, 'updated', %s)",
            [name, START + minute * MINUTE, severity],
        )


async def test_incidents_are_there_from_report_to_clearing_while_they_are_severe_enough(watch: Watch) -> None:
    await incident(watch, "t:1", 2, 50, updates=[(12, "low"), (22, "high"), (33, "low")])
    await incident(watch, "t:2", 61, None)
    await incident(watch, "t:3", 3, 4)
    result = await back(watch, {"kind": "incident", "severity": "medium"})
    assert [(one.subject, one.fired_at - START, one.ended_at and one.ended_at - START) for one in result.firings] == [
        ("t:1", 25 * MINUTE, 35 * MINUTE),
        ("t:2", 65 * MINUTE, None),
    ]


async def test_anomalies_are_there_while_they_last(watch: Watch) -> None:
    sensor = await watch.city.sensor("a")
    await watch.city.chunks("anomalies", at=START)
    for began, ended, score in ((-10, 10, 5), (20, None, 5), (40, 60, 1)):
        await watch.city.connection.execute(
            "INSERT INTO anomalies (sensor_id, time, kind, ended_at, score) VALUES (%s, %s, 'stuck', %s, %s)",
            [sensor, START + began * MINUTE, None if ended is None else START + ended * MINUTE, score],
        )
    result = await back(watch, {"kind": "anomaly", "score": 2})
    assert [(one.fired_at - START, one.ended_at and one.ended_at - START) for one in result.firings] == [
        (0 * MINUTE, 10 * MINUTE),
        (20 * MINUTE, None),
    ]


async def test_forecasts_are_those_that_were_stored(watch: Watch) -> None:
    sensor = await watch.city.sensor("a")
    await watch.city.chunks("predictions", at=START)
    for made, kmh in ((0, 50), (5, 10), (7, 90), (10, 50)):
        made_at = START + made * MINUTE
        await watch.city.connection.execute(
            "INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, model) VALUES (%s, %s, %s, %s, 'm')",
            [sensor, made_at + 30 * MINUTE, made_at, kmh],
        )
    result = await back(watch, {"kind": "forecast", "ahead": "30m", "below": 20})
    assert [(one.fired_at, one.ended_at) for one in result.firings] == [(START + 5 * MINUTE, START + 10 * MINUTE)]


async def test_what_has_no_past_is_refused(watch: Watch) -> None:
    with pytest.raises(ConfigurationError, match="cannot be back-tested"):
        await back(watch, {"kind": "sql", "query": "SELECT 'a' AS subject"})
    with pytest.raises(ConfigurationError, match="92 days at most"):
        await back(watch, threshold(), hours=93 * 24)
    with pytest.raises(ConfigurationError, match="92 days at most"):
        await back(watch, threshold(), hours=0)


async def slow(watch: Watch, name: str, area: str, minutes: list[int]) -> None:
    """A sensor that is slow in the 5 minutes that begin then."""
    sensor = await watch.city.sensor(name, area=area)
    await watch.city.read(Reading(sensor, START + m * MINUTE, 10 if m in minutes else 50) for m in range(0, 240, 5))


async def test_firings_are_held_against_incidents_at_the_same_place_and_time(watch: Watch) -> None:
    await slow(watch, "a", "Queens", [20, 25, 200])
    await slow(watch, "b", "Bronx", [100])
    await incident(watch, "t:sensor", 20, 40, sensors=["t:a"], updates=[(40, "high")])  # told of 14.5 minutes after
    await incident(watch, "t:area", 95, 130, area="Bronx", updates=[(100, "high")])  # told of 5.5 minutes before
    await incident(watch, "t:unseen", 100, 110, sensors=["t:a"])
    await incident(watch, "t:elsewhere", 100, 110, area="Brooklyn")
    result = await back(watch, threshold(), hours=4)
    assert (result.fired, result.subjects_fired, result.subjects) == (3, 2, 2)
    found = result.incidents
    assert (found.incidents, found.found) == (3, 2)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.lead_minutes == pytest.approx((14.5 - 5.5) / 2)
    assert [(str(day.day), day.firings) for day in result.days] == [("2026-03-02", 3)]


async def test_the_command_says_it_to_people_and_to_programs(watch: Watch, database_url: str, tmp_path: Path) -> None:
    await slow(watch, "a", "Queens", [20, 25])
    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n- name: slow\n  title: slow\n  when: {kind: threshold, measure: speed_kmh, level: 5m, below: 20}\n"
    )
    command = ["backtest", "slow", "--from", "2026-03-02T06:00Z", "--to", "2026-03-02T08:00Z"]
    assert "There is no rule slow" in str((await said(database_url, *command)).exception)
    told = await said(database_url, *command, "--rule-file", str(file))
    assert "slow would have fired once for 1 of 1 subjects, in the median for 10 minutes." in told.stdout
    answered = json.loads((await said(database_url, *command, "--rule-file", str(file), "--json")).stdout)
    assert answered["firings"][0]["fired_at"].startswith("2026-03-02T06:25:30")
    assert answered["trials"]
