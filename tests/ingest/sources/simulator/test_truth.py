"""The truth says of every reading what it hides, and a file of it can be read and gone on with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ingest.sources.simulator import network
from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.scenarios.scenario import settle
from ingest.sources.simulator.truth import LONGEST, open_truth, table
from urbanclear.cli import app
from urbanclear.errors import ConfigurationError

START = datetime(2026, 3, 4, 13, 10, tzinfo=UTC)  # the peak of a dry morning
STEP = timedelta(minutes=1)
STEPS = 12


@pytest.fixture(scope="module")
def city() -> Simulator:
    return Simulator(1, 600, settle(["closed-bridge"], network.load(), START - timedelta(minutes=70)))


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, parse_dates=["time"]) if path.name.endswith((".csv", ".gz")) else pd.read_parquet(path)


def write(city: Simulator, path: Path, begin: datetime, steps: int = STEPS) -> None:
    with open_truth(path) as truth:
        for step in range(steps):
            truth.add(city.truth(begin + step * STEP))


@settings(max_examples=10, deadline=None)
@given(hours=st.integers(0, 24 * 90))
def test_what_the_truth_says_was_published_is_what_the_readings_say(city: Simulator, hours: int) -> None:
    time = START + timedelta(hours=hours)
    rows = table(city.truth(time)).to_pandas()
    assert len(rows) == len(city.sensors)
    told = {
        (r.sensor, r.speed_kmh, r.volume_vph, r.occupancy, np.nan if r.travel_time_s is None else r.travel_time_s)
        for r in city.readings(time)
    }
    spoke = rows[rows.failing != "silent"].fillna({"travel_time_s": -1})
    columns = spoke[["sensor", "speed_kmh", "volume_vph", "occupancy", "travel_time_s"]]
    assert {tuple(row) for row in columns.itertuples(index=False)} == {
        (*row[:4], -1 if np.isnan(row[4]) else row[4]) for row in told
    }
    silent = rows[rows.failing == "silent"]
    assert silent[["speed_kmh", "volume_vph", "occupancy", "travel_time_s"]].isna().all(axis=None)
    assert rows[["undisturbed_speed_kmh", "undisturbed_volume_vph"]].notna().all(axis=None)


def test_without_cause_rain_or_failure_a_reading_is_the_undisturbed_value_but_for_noise() -> None:
    city = Simulator(1)
    times = [START + timedelta(hours=7 * number) for number in range(40)]
    rows = pd.concat([table(city.truth(time)).to_pandas() for time in times])
    calm = rows[rows.cause.isna() & rows.failing.isna() & (rows.precipitation_mm == 0)]
    assert len(calm) > 2_000
    error = calm.speed_kmh / calm.undisturbed_speed_kmh - 1
    assert error.abs().quantile(0.95) < 0.08
    assert abs(error.mean()) < 0.01


def test_the_cause_of_slow_readings_is_the_incident_that_caused_them(city: Simulator) -> None:
    rows = table(city.truth(START)).to_pandas()
    bridge = rows[rows.sensor.str.startswith("nyc-sim:brooklyn-bridge")]
    [cause] = bridge.cause.unique()
    assert cause in {event.id for event in city.incident_events(START - timedelta(hours=2), START)}
    queues = rows[(rows.speed_kmh < 0.5 * rows.undisturbed_speed_kmh) & rows.failing.isna()]
    assert len(queues) > 10
    assert (queues.precipitation_mm == 0).all()
    assert queues.cause.notna().mean() > 0.9


def test_stuck_and_silent_sensors_are_told_apart_and_recover(city: Simulator) -> None:
    days = [table(city.truth(START + timedelta(hours=hour))).to_pandas() for hour in range(0, 96, 6)]
    failing = pd.concat(days).failing
    assert {"silent", "stuck"} <= set(failing.dropna())
    assert failing.notna().mean() < 0.05


@pytest.mark.parametrize("name", ["truth", "truth.csv.gz", "truth.csv"])
def test_a_folder_and_a_csv_file_are_added_to_by_the_next_run(city: Simulator, tmp_path: Path, name: str) -> None:
    write(city, tmp_path / name, START)
    write(city, tmp_path / name, START + STEPS * STEP)
    expected = pd.concat([table(city.truth(START + n * STEP)).to_pandas() for n in range(2 * STEPS)])
    found = read(tmp_path / name)
    assert list(found.columns) == list(expected.columns)
    both = [rows.sort_values(["time", "sensor"]).reset_index(drop=True) for rows in (found, expected)]
    assert (both[0].time == both[1].time).all()
    values = [rows.drop(columns="time").astype(object).where(rows.notna(), "none") for rows in both]
    assert values[0].equals(values[1])


def test_one_parquet_file_is_complete_when_closed_and_never_added_to(city: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "truth.parquet"
    write(city, path, START)
    assert len(read(path)) == STEPS * len(city.sensors)
    with pytest.raises(ConfigurationError, match=r"cannot be added to: name another file, or a folder"):
        open_truth(path)


def test_a_folder_knows_how_far_it_is_written_and_loses_little_when_the_run_is_killed(
    city: Simulator, tmp_path: Path
) -> None:
    truth = open_truth(tmp_path / "truth")
    assert truth.newest is None
    for step in range(STEPS):
        truth.add(city.truth(START + step * STEP))
    newest = open_truth(tmp_path / "truth").newest
    assert newest is not None
    assert newest >= START + (STEPS - 1) * STEP - LONGEST
    assert read(tmp_path / "truth").time.max() == newest


def test_a_place_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"The truth cannot be written to .*: name another"):
        open_truth(tmp_path / "file" / "truth")


def test_the_truth_of_any_span_is_written_by_a_command(tmp_path: Path) -> None:
    file = tmp_path / "truth.parquet"
    asked = ["--from", "2026-03-04T13:10", "--to", "2026-03-04T13:12", "--interval", "30s", "--sensors", "20"]
    result = CliRunner().invoke(app, ["source", "truth", str(file), *asked])
    assert result.exit_code == 0, result.output
    rows = read(file)
    assert sorted(rows["time"].unique()) == [START + timedelta(seconds=30) * number for number in range(4)]
    expected = table(Simulator(1, 20).truth(START)).to_pandas()
    pd.testing.assert_frame_equal(rows[rows["time"] == START].reset_index(drop=True), expected)


def test_a_span_that_ends_before_it_begins_has_no_truth(tmp_path: Path) -> None:
    asked = ["--from", "2026-03-04", "--to", "2026-03-03"]
    result = CliRunner().invoke(app, ["source", "truth", str(tmp_path / "truth"), *asked])
    assert isinstance(result.exception, ConfigurationError)
    assert list(tmp_path.iterdir()) == []
