"""Files as research and cities publish them: read, refused, learned from and judged on."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from schema.units import KMH_PER_MPH
from spark.forecast.cli import app
from spark.forecast.formats import read
from tests.spark.forecast.towns import A_DAY, town, write_metr_la
from urbanclear.errors import ConfigurationError, SourceError


def evaluate(*arguments: str) -> str:
    return evaluated(*arguments).stdout


def evaluated(*arguments: str) -> Result:
    done = CliRunner().invoke(app, ["evaluate", *arguments])
    if done.exception is not None:
        raise done.exception
    return done


def test_loop_detectors_are_read_with_what_is_missing(tmp_path: Path) -> None:
    wanted = town(1)
    [found] = read("metr-la", [write_metr_la(wanted, tmp_path / "one.csv")])
    assert (found.sensors, found.clock_s) == (wanted.sensors, wanted.clock_s)
    np.testing.assert_allclose(found.speeds_kmh, wanted.speeds_kmh, rtol=1e-3)


def test_the_citys_feed_is_read_without_what_its_status_takes_back(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(
            "ID,SPEED,TRAVEL_TIME,STATUS,DATA_AS_OF,LINK_ID\n"
            "1,30,1,0,2017-09-04T00:06:03,a\n"
            "1,40,1,0,2017-09-04T00:09:59,a\n"
            "2,0.0,0,-101,2017-09-04T00:06:03,b\n"
            "1,20,1,0,2017-09-04T00:16:00,a\n"
        )
    [found] = read("nyc-dot", [path])
    assert (found.sensors, f"{found.first:%H:%M}") == (("a", "b"), "00:05")
    assert found.holidays  # Labor Day
    np.testing.assert_allclose(found.speeds_kmh[:, 0] / KMH_PER_MPH, [35, np.nan, 20], rtol=1e-5)
    assert np.isnan(found.speeds_kmh[:, 1]).all()


def test_stations_without_times_are_of_working_days(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    path.write_text("\n".join(["60,50"] * 5 * A_DAY) + "\n")
    [found] = read("pems", [path])
    measured = np.flatnonzero(np.isfinite(found.speeds_kmh).all(1))
    assert len(measured) == 5 * A_DAY
    assert set(found.weekdays(measured)) <= {0, 1, 2, 3, 4}


def test_files_of_stations_follow_one_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("60,50\n" * 5 * A_DAY)
    other.write_text("50,40\n" * 100)
    first, second = read("pems", [one, other])
    assert second.first == first.end
    with pytest.raises(SourceError, match=r"one\.csv is named twice"):
        read("pems", [one, one])


@pytest.mark.parametrize(
    ("text", "said"),
    [("time,a\n", "`timestamp`"), ("timestamp,a\nyesterday,3\n", "yesterday"), ("timestamp,a\n", "no speeds")],
)
def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=rf"(?s)other\.csv cannot be read.*{said}"):
        read("metr-la", [path])


def test_files_of_the_same_days_are_refused(tmp_path: Path) -> None:
    one = write_metr_la(town(5), tmp_path / "one.csv")
    other = write_metr_la(town(5, first_day=4), tmp_path / "other.csv")
    with pytest.raises(SourceError, match="overlap from 2026-03-06"):
        evaluate("--format", "metr-la", "--train", str(one), "--test", str(other))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "pems", "--train", "one.csv"], "needs --train and --test"),
        (["--test", "one.csv"], "say their --format too"),
    ],
)
def test_options_that_do_not_fit_are_told_how_they_would(arguments: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        evaluate(*arguments)


def test_a_model_of_files_is_judged_on_another_in_their_unit(tmp_path: Path, quick_training: None) -> None:
    train = write_metr_la(town(14), tmp_path / "train.csv")
    test = write_metr_la(town(7, first_day=21), tmp_path / "test.csv")
    apart = write_metr_la(town(7, first_day=14), tmp_path / "apart.csv")
    files = ("--train", str(train), "--validate", str(apart), "--test", str(test))
    found = json.loads(evaluate("--format", "metr-la", *files, "--json"))
    assert found["unit"] == "mph"
    for minutes in (15, 30, 60):
        assert found[f"mae_{minutes}"] < found[f"last_value_mae_{minutes}"]
        assert found[f"rmse_{minutes}"] >= found[f"mae_{minutes}"]
    assert 0.8 < found["coverage_90"] < 0.97
    assert min(found["train_s"], found["train_peak_gb"], found["predict_ms"]) > 0
    told = evaluated("--format", "metr-la", *files)
    assert "coverage_90" not in told.stdout
    stages = told.stderr.splitlines()
    assert stages == list(dict.fromkeys(stages))
    assert (stages[0], stages[-1]) == ("0% Looking at what is usual", "100% Judging")


def test_the_unseen_part_of_los_angeles_is_foretold_better_than_by_its_last_value(
    shared_data: Path, tmp_path: Path, quick_training: None
) -> None:
    path = shared_data / "metr_la" / "metr_la_10sensors_rows0-27410_dev.csv.gz"
    [whole] = read("metr-la", [path])
    train = write_metr_la(whole.cut(23_973 - 28 * A_DAY, 23_973), tmp_path / "train.csv")
    test = write_metr_la(whole.cut(23_973, len(whole)), tmp_path / "test.csv")
    found = json.loads(evaluate("--format", "metr-la", "--train", str(train), "--test", str(test), "--json"))
    assert found["vs_last_value_15"] < 0.9
    assert found["vs_last_value_30"] < 0.85
    assert found["vs_last_value_60"] < 0.8
