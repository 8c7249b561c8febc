"""Reads the real files a second way, by pandas, so that a replay can be compared with them."""

from pathlib import Path

import pandas as pd

MILE_KM = 1.609344

NYC = {
    "2017": "nyc/dot_speeds_2017-09-04_2017-10-14_dev.csv.gz",
    "2018": "nyc/dot_speeds_2018-01-01_2018-01-13_dev.csv.gz",
    "2019 api": "nyc/dot_speeds_api_2019-03-21_0508-1118.csv.gz",
    "2021 tsv": "nyc/dot_linkspeedquery_snapshot_2021-06-14.tsv.gz",
}
WIDE = {
    "metr-la 10": "metr_la/metr_la_10sensors_rows0-27410_dev.csv.gz",
    "metr-la 207": "metr_la/los_loop_207sensors_2012-03-01_2012-03-07_gapfilled.csv.gz",
    "pems": "pems/pemsd7m_228stations_first_rows.csv.gz",
}
ALL = NYC | WIDE

COLUMNS = ["sensor", "time", "speed_kmh", "travel_time_s"]


def nyc(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The good observations of a file of New York's feed, and how many rows say that they have none."""
    frame = pd.read_csv(path, sep="\t" if ".tsv" in path.name else ",", dtype=str)
    frame.columns = pd.Index([column.lower().replace("_", "") for column in frame.columns])
    good = frame[frame["status"] == "0"]
    local = pd.to_datetime(good["dataasof"], format="mixed")
    observed = pd.DataFrame(
        {
            "sensor": "nyc-dot:" + good["linkid"],
            "time": local.dt.tz_localize("America/New_York").dt.tz_convert("UTC"),
            "speed_kmh": good["speed"].astype(float) * MILE_KM,
            "travel_time_s": good["traveltime"].astype(float),
        }
    )
    return ordered(observed), _counted("no_data", len(frame) - len(good))


def wide(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The same of a file with a column a sensor; in METR-LA's, 0 is no observation."""
    metr_la = path.parent.name == "metr_la"
    frame = pd.read_csv(path, header=0 if metr_la else None, index_col=0 if metr_la else None)
    if metr_la:
        frame.index = pd.to_datetime(frame.index)
    else:
        days = pd.bdate_range("2012-05-01", periods=len(frame) // 288)
        frame.index = pd.DatetimeIndex([day + pd.Timedelta(minutes=5 * step) for day in days for step in range(288)])
    long = frame.rename_axis("time").reset_index().melt("time", var_name="sensor", value_name="mph")
    good = long[long["mph"] != 0] if metr_la else long
    observed = pd.DataFrame(
        {
            "sensor": ("metr-la:" if metr_la else "pems:") + good["sensor"].astype(str),
            "time": good["time"].dt.tz_localize("America/Los_Angeles").dt.tz_convert("UTC"),
            "speed_kmh": good["mph"] * MILE_KM,
            "travel_time_s": float("nan"),
        }
    )
    return ordered(observed), _counted("missing", len(long) - len(good))


def read(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Whichever it is."""
    return nyc(path) if path.parent.name == "nyc" else wide(path)


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """In one order, so that two readings can be laid side by side."""
    return frame[COLUMNS].sort_values(["sensor", "time"], kind="stable").reset_index(drop=True)


def _counted(reason: str, rows: int) -> dict[str, int]:
    return {reason: rows} if rows else {}
