"""What a scenario file says happens, there and then, and a file that says it wrongly is told so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.sources.simulator import network
from ingest.sources.simulator.demand import NEW_YORK
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.scenarios.form import bundled, read
from ingest.sources.simulator.scenarios.scenario import Scenario, settle
from urbanclear.errors import ConfigurationError

LINKS = network.load()
START = datetime(2026, 3, 4, 14, tzinfo=UTC)  # nine in the morning of a dry Wednesday
MINUTE = timedelta(minutes=1)
CLOSED = """
    title = "A closure"
    start = 2026-03-04T09:00:00-05:00
    lasts = "1h"
    [announce]
    [[effects]]
    roads = ["Canal Street"]
"""


def staged(folder: Path, text: str, now: datetime = START) -> Scenario:
    file = folder / "mine.toml"
    file.write_text(text)
    [scenario] = settle([str(file)], LINKS, now)
    return scenario


def speeds(city: Simulator, time: datetime) -> dict[str, float]:
    seen = city.truth(time)
    return dict(zip(seen.sensors.tolist(), seen.happened.speed_kmh.tolist(), strict=True))


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_scenario_slows_the_city_while_it_lasts_and_not_before_or_long_after(name: str) -> None:
    [scenario] = settle([name], LINKS, START)
    city, plain = Simulator(1, scenarios=[scenario]), Simulator(1)
    [reported, updated, cleared] = scenario.events(START, START + timedelta(days=1))
    assert (reported.status, updated.status, cleared.status) == ("reported", "updated", "cleared")
    assert reported.time == START + timedelta(minutes=10)
    assert speeds(city, START) == speeds(plain, START)
    with_it, without = speeds(city, updated.time), speeds(plain, updated.time)
    assert sum(with_it[sensor] < 0.7 * without[sensor] for sensor in without) >= 4
    later = cleared.time + timedelta(hours=16)
    assert speeds(city, later) == pytest.approx(speeds(plain, later), rel=0.001)


def test_four_scenarios_are_bundled_and_can_be_staged_together() -> None:
    assert bundled() == ["closed-bridge", "marathon", "parade", "storm"]
    city = Simulator(1, scenarios=settle(bundled(), LINKS, START))
    told = city.incident_events(START, START + timedelta(hours=12))
    assert sum("scenario" in event.id and event.status == "reported" for event in told) == 4
    assert [event.time for event in told] == sorted(event.time for event in told)


def test_a_closed_bridge_sends_its_traffic_over_the_bridges_beside_it() -> None:
    city, plain = Simulator(1, scenarios=settle(["closed-bridge"], LINKS, START)), Simulator(1)
    time = START + timedelta(minutes=30)
    volumes = [simulator.truth(time).happened.volume_vph for simulator in (city, plain)]
    roads = np.array([link.road for link in LINKS])
    closed, beside = (roads == road for road in ("Brooklyn Bridge", "Manhattan Bridge"))
    assert (volumes[0][closed] < 0.25 * volumes[1][closed]).all()
    assert volumes[0][beside].sum() > 1.02 * volumes[1][beside].sum()


def test_a_marathon_closes_its_route_stretch_by_stretch() -> None:
    [marathon] = settle(["marathon"], LINKS, START - timedelta(minutes=10))
    influence = max(marathon.influences(START, START + timedelta(hours=12)), key=lambda it: np.ptp(it.start))
    roads = [LINKS[number].road for number in influence.links]
    begins = {road: begin - START.timestamp() for road, begin in zip(roads, influence.start, strict=True)}
    assert begins["Verrazzano-Narrows Bridge"] < begins["Fourth Avenue"] < begins["1st Avenue"] < begins["5th Avenue"]
    assert set(influence.end - influence.start) == {9_000.0}


def test_a_storm_rises_stays_and_falls_at_the_weather_station() -> None:
    city = Simulator(1, scenarios=settle(["storm"], LINKS, START))
    rain = [city.weather(START + timedelta(minutes=m)).precipitation_mm or 0 for m in (0, 40, 70, 150, 220, 250)]
    assert rain[0] < rain[1] < rain[2] == rain[3] == 18
    assert rain[3] > rain[4] > rain[5]
    worst = city.weather(START + timedelta(hours=2))
    assert (worst.condition, worst.visibility_m, worst.wind_speed_kmh) == ("storm", 900, 75)


def test_every_key_of_place_narrows_down_what_is_meant(tmp_path: Path) -> None:
    def named(place: str) -> set[str]:
        text = CLOSED.replace('roads = ["Canal Street"]', place)
        scenario = staged(tmp_path, text)
        [influence] = scenario.influences(START, START + MINUTE)
        return {LINKS[number].external_id for number in influence.links}

    everything = named("capacity_left = 0.5")
    assert len(everything) == len(LINKS)
    bronx = named('areas = ["Bronx"]')
    assert bronx == {link.external_id for link in LINKS if link.area == "Bronx"}
    north = named('areas = ["Bronx"]\ndirections = ["N"]')
    assert north == {link.external_id for link in LINKS if link.area == "Bronx" and link.direction == "N"}
    assert named('areas = ["Bronx"]\nkinds = ["avenue"]') < bronx
    assert named(f'sensors = ["{LINKS[7].external_id}"]') == {LINKS[7].external_id}
    box = named("box = { south = 40.70, west = -74.02, north = 40.75, east = -73.97 }")
    assert {link.external_id for link in LINKS if link.road == "Canal Street"} <= box < everything


def test_lanes_closed_leave_what_the_capacity_manual_says(tmp_path: Path) -> None:
    scenario = staged(tmp_path, CLOSED.replace('roads = ["Canal Street"]', 'roads = ["FDR Drive"]\nlanes_closed = 1'))
    [influence] = scenario.influences(START, START + MINUTE)
    assert set(influence.capacity) == {0.49}  # one lane of three: HCM 2000, exhibit 22-6


def test_a_weekly_scenario_comes_at_the_same_time_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    scenario = staged(tmp_path, CLOSED.replace("[announce]", "weekly = true\n    [announce]"))
    begins = scenario.occurrences(START - timedelta(days=3), START + timedelta(days=30))
    local = [begin.astimezone(NEW_YORK) for begin in begins]
    assert [time.date().isoformat() for time in local] == [
        *("2026-03-04", "2026-03-11", "2026-03-18", "2026-03-25", "2026-04-01"),
    ]
    assert {time.hour for time in local} == {9}  # through the begin of daylight saving on 8 March
    assert scenario.occurrences(START - timedelta(days=9), START - timedelta(days=2)) == []


def test_a_relative_start_goes_on_after_a_restart_while_it_lasts_and_begins_anew_after_that() -> None:
    [first] = settle(["closed-bridge"], LINKS, START)
    [reported, *_] = first.events(START, START + timedelta(hours=1))
    [during] = settle(["closed-bridge"], LINKS, START + timedelta(hours=1), [reported])
    assert (during.start, during.id(during.start)) == (first.start, reported.id)
    [after] = settle(["closed-bridge"], LINKS, START + timedelta(hours=5), [reported])
    assert after.start == START + timedelta(hours=5, minutes=10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("roads =", "road ="), r"effects\.0\.road is not a key here: allowed are roads, areas"),
        (('lasts = "1h"', 'last = "1h"'), r"lasts: Field required.*last is not a key here: allowed are title, start"),
        (("2026-03-04T09:00:00-05:00", "2026-03-04T09:00:00"), r"start: .*timezone"),
        (("2026-03-04T09:00:00-05:00", '"+soon"'), r"start: 'soon' is no duration: say 7d"),
        (('"1h"', '"long"'), r"lasts: 'long' is no duration"),
        (("Canal Street", "Canal Stret"), r"roads knows no 'Canal Stret': did you mean Canal Street"),
        (("roads =", "lanes_closed = 1\ncapacity_left = 0.5\nroads ="), "capacity_left or lanes_closed, not both"),
        (("roads =", "capacity_left = 1.5\nroads ="), r"effects\.0\.capacity_left: .* less than or equal to 1"),
        (("roads =", "rolling = {speed_kmh = 5, closed_for = '1h'}\nroads ="), "rolling needs a route"),
        (("roads =", 'areas = ["Bronx"]\nroads ='), "an effect is about no link: widen its place"),
        (("[[effects]]", "[weather]\ncondition = 'hail'\n[[effects]]"), r"weather\.condition: .*'rain', 'snow'"),
        (("[[effects]]", "[effects]"), r"effects: Input should be a valid tuple"),
        (("roads =", 'after = "2h"\nroads ='), "after must be shorter than lasts of the scenario"),
        (("=", ":"), "is not valid TOML"),
    ],
)
def test_a_file_that_is_wrong_is_one_clear_sentence(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        staged(tmp_path, CLOSED.replace(*change))


def test_a_relative_start_cannot_be_weekly(tmp_path: Path) -> None:
    text = CLOSED.replace("2026-03-04T09:00:00-05:00", '"+10m"').replace("[announce]", "weekly = true\n[announce]")
    with pytest.raises(ConfigurationError, match="weekly needs a start with date and offset"):
        staged(tmp_path, text)


def test_a_scenario_that_is_none_or_named_twice_is_one_clear_sentence() -> None:
    with pytest.raises(ConfigurationError, match="no scenario flood: say a TOML file or one of closed-bridge"):
        read("flood")
    with pytest.raises(ConfigurationError, match="named twice"):
        settle(["storm", "storm"], LINKS, START)
