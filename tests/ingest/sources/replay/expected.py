"""Reads the real files a second way, by pandas, so that a replay can be compared with them."""

import gzip
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
from defusedxml import ElementTree

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
NAB = {
    "nab speed": "nab/speed_6005.csv.gz",
    "nab occupancy": "nab/occupancy_t4013.csv.gz",
    "nab travel time": "nab/TravelTime_387.csv.gz",
}
XML = "nyc/dot_trafficspeed_php_2012-01-07.xml.gz"
VOLUME = "nyc/traffic_volume_counts_hourly_2014-2018.csv.gz"
I94 = "other_cities/mn_traffic_hourly_autots.zip"
WEATHER = "nyc/weather_hourly_2017-01-01_2022-10.csv.gz"
ALL = NYC | WIDE | NAB | {"2012 xml": XML, "volume": VOLUME, "i94": I94}

MEASURES = ["speed_kmh", "volume_vph", "occupancy", "travel_time_s"]
COLUMNS = ["sensor", "time", *MEASURES]


def nyc(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The good observations of a file of New York's feed, and how many rows say that they have none."""
    if ".xml" in path.name:
        frame = _links_of_2012(path)
    else:
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
        }
    )
    return ordered(observed), _counted("missing", len(long) - len(good))


def nab(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The same of one of Minnesota's series."""
    what, sensor = path.name.split(".")[0].split("_")
    measure, factor = {
        "speed": ("speed_kmh", MILE_KM),
        "occupancy": ("occupancy", 0.01),
        "TravelTime": ("travel_time_s", 1.0),
    }[what]
    frame = pd.read_csv(path)
    observed = pd.DataFrame({"time": _utc(frame["timestamp"], "America/Chicago"), measure: frame["value"] * factor})
    return ordered(observed.assign(sensor=f"nab:{sensor}")), {}


def volume(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The same of New York's counts; an hour that the clocks leap over cannot have been counted."""
    frame = pd.read_csv(path, dtype=str)
    hours = list(frame.columns[7:])
    long = frame.melt(["Segment ID", "Direction", "Date"], hours, var_name="hour", value_name="vehicles")
    local = pd.to_datetime(long["Date"], format="%m/%d/%Y") + pd.to_timedelta(long["hour"].map(hours.index), "h")
    zoned = local.dt.tz_localize("America/New_York", ambiguous=np.ones(len(local), dtype=bool), nonexistent="NaT")
    sensor = "nyc-volume:" + long["Segment ID"] + "-" + long["Direction"]
    observed = pd.DataFrame(
        {"sensor": sensor, "time": zoned.dt.tz_convert("UTC"), "volume_vph": long["vehicles"].astype(float)}
    )
    counted = observed[observed["volume_vph"].notna()]
    good = counted[counted["time"].notna()]
    refused = _counted("missing", len(observed) - len(counted))
    return ordered(good), refused | _counted("nonexistent_time", len(counted) - len(good))


def i94(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The same of the counter on Interstate 94."""
    with ZipFile(path) as archive, archive.open("traffic_hourly.zip") as file:
        frame = pd.read_csv(file)
    good = frame[frame["traffic_volume"].notna()]
    observed = pd.DataFrame(
        {"time": _utc(good["datetime"], "America/Chicago"), "volume_vph": good["traffic_volume"].astype(float)}
    )
    return ordered(observed.assign(sensor="mn-i94:301")), _counted("missing", len(frame) - len(good))


def read(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Whichever it is."""
    if path.name == Path(VOLUME).name:
        return volume(path)
    return {"nyc": nyc, "nab": nab, "other_cities": i94}.get(path.parent.name, wide)(path)


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """With all columns, in one order, so that two readings can be laid side by side."""
    whole = frame.reindex(columns=COLUMNS).astype(dict.fromkeys(MEASURES, float))
    return whole.sort_values(["sensor", "time"], kind="stable").reset_index(drop=True)


def _links_of_2012(path: Path) -> pd.DataFrame:
    with gzip.open(path) as file:
        frame = pd.DataFrame([element.attrib for element in ElementTree.fromstring(file.read())])
    return frame.drop(columns="linkId").rename(columns={"Transcom_id": "linkId"})


def _utc(stamps: "pd.Series[str]", zone: str) -> "pd.Series[pd.Timestamp]":
    """Local stamps; of an hour that comes twice the first."""
    local = pd.to_datetime(stamps)
    return local.dt.tz_localize(zone, ambiguous=np.ones(len(local), dtype=bool)).dt.tz_convert("UTC")


def _counted(reason: str, rows: int) -> dict[str, int]:
    return {reason: rows} if rows else {}
