"""The tables of docs/scaling.md follow from the figures that the README and other pages quote."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from schema import topics
from schema.events import Reading, encode
from spark.forecast.window import HORIZONS
from tests.deploy.kubernetes import ROOT, container, of_kind, the_only
from urbanclear.settings import Settings

PAGES = {file.name: file.read_text() for file in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
PAGE = PAGES["scaling.md"]
MINUTE_S, DAY_S = 60, 86_400
EVERY_S = 30
CITIES = (1_000, 10_000, 100_000, 1_000_000)
MEASURED_SENSORS = 1_000
NIGHT_H = 4
#: What the figure `batch_s` was measured on.
CORES = 2
EXAMPLE = Reading(
    sensor="nyc-dot:4616337",
    time=datetime(2026, 1, 15, 8, tzinfo=UTC),
    speed_kmh=43.5,
    volume_vph=1240.0,
    travel_time_s=84.0,
)


def figure(name: str, column: int = 1, page: str = "README.md") -> float:
    """The first number in a column of the row that `name` begins."""
    [row] = [line for line in PAGES[page].splitlines() if line.startswith(f"| {name}")]
    return number(row.split("|")[column + 1])


def number(text: str) -> float:
    found = re.search(r"\d[\d,]*(\.\d+)?", text)
    assert found, text
    return float(found[0].replace(",", ""))


def said(pattern: str, page: str) -> float:
    """The number that a sentence of a page says."""
    [found] = re.findall(pattern, " ".join(PAGES[page].split()))
    return number(found)


@dataclass(frozen=True)
class City:
    """What so many sensors make, by the figures measured."""

    sensors: int

    @property
    def readings_per_s(self) -> float:
        return self.sensors / EVERY_S

    @property
    def readings_per_day(self) -> float:
        return self.readings_per_s * DAY_S

    @property
    def kafka_mb_per_s(self) -> float:
        return self.readings_per_s * len(encode(EXAMPLE)) / 1e6

    @property
    def kafka_gb(self) -> float:
        """Of a replica of all that its topic keeps."""
        return self.kafka_mb_per_s * int(topics.READINGS.config["retention.ms"]) / 1e6

    @property
    def ingest_share(self) -> float:
        return self.readings_per_s / figure("`ingest_rows_per_s`", 2)

    @property
    def day_gb(self) -> float:
        return (
            self.sensors / 1_000 * said(r"1,000 sensors that report every 30 s make .*? (\d+) MB", "schema.md") / 1e3
        )

    @property
    def kept_gb(self) -> float:
        return self.day_gb * 30 * figure("`storage_30d_ratio`")

    @property
    def refresh_share(self) -> float:
        return self.readings_per_s * figure("`refresh_s_per_million`") / 1e6

    @property
    def rollup_rows(self) -> float:
        kept = Settings.model_fields["rollups_5m_retention"].default
        return self.sensors * float(kept / timedelta(minutes=5))

    @property
    def alerting_cores(self) -> float:
        return self.sensors / MEASURED_SENSORS * figure("`core_share_10k`")

    @property
    def predict_s(self) -> float:
        sensors, milliseconds = 207, said(r"forecasts of 207 sensors took (\d+) ms", "forecasts.md")
        return self.sensors / sensors * milliseconds / 1e3

    @property
    def predictions_per_s(self) -> float:
        return self.sensors * HORIZONS / MINUTE_S

    @property
    def predictions_share(self) -> float:
        return self.predictions_per_s / figure("COPY into a staging table", page="schema.md")

    @property
    def night_h(self) -> float:
        return self.sensors / MEASURED_SENSORS * figure("`batch_s`") / 3_600

    @property
    def spark_cores(self) -> int:
        return max(CORES, math.ceil(self.night_h * CORES / NIGHT_H))

    @property
    def log_s(self) -> float:
        """How far back live clients are told exactly what they missed."""
        age, events = (Settings.model_fields[name].default for name in ("live_log_age", "live_log_events"))
        return float(min(age.total_seconds(), events / self.readings_per_s))


def told(value: float, unit: str = "") -> str:
    """With two digits that count."""
    if value >= 1e9 and not unit:
        return f"{told(value / 1e6)} M"
    digits = 1 - math.floor(math.log10(value))
    rounded = round(value, digits)
    text = f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.{max(0, digits)}f}".rstrip("0").rstrip(".")
    return f"{text}{unit}"


def share(value: float) -> str:
    return told(value * 100, " %")


ROWS: dict[str, Callable[[City], str]] = {
    "readings a second": lambda city: told(city.readings_per_s),
    "readings a day": lambda city: told(city.readings_per_day / 1e6, " M"),
    "Kafka: MB a second in, and out to each reader": lambda city: told(city.kafka_mb_per_s),
    "Kafka: GB on each replica": lambda city: told(city.kafka_gb),
    "`ingest`: share of what one process stores": lambda city: share(city.ingest_share),
    "database: GB of the newest day, as rows": lambda city: told(city.day_gb),
    "database: GB of 30 days, compressed": lambda city: told(city.kept_gb),
    "database: share of the time that rollups take": lambda city: share(city.refresh_share),
    "database: rows of 5 minutes in a year": lambda city: told(city.rollup_rows / 1e6, " M"),
    "`alerting`: cores, for ten rules over each sensor": lambda city: told(city.alerting_cores),
    "`forecast`: s to predict all, each minute": lambda city: told(city.predict_s),
    "`forecast`: rows to store a second": lambda city: told(city.predictions_per_s),
    "`forecast`: share of what staging stores": lambda city: share(city.predictions_share),
    "`jobs`: hours of the night's jobs on 2 cores": lambda city: told(city.night_h),
    "`jobs`: cores, to be done in 4 hours": lambda city: told(city.spark_cores),
    "`api`: s back that a live client is told all": lambda city: told(city.log_s),
}


@pytest.mark.parametrize("label", ROWS)
def test_each_row_follows_from_the_figures(label: str) -> None:
    assert f"| {label} | {' | '.join(ROWS[label](City(sensors)) for sensors in CITIES)} |" in PAGE


def test_the_table_has_no_row_of_which_nobody_knows_where_it_is_from() -> None:
    table = PAGE.split("## The arithmetic")[1].split("##")[0]
    labels = re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)
    assert labels == ["---", *ROWS]


def test_limits_follow_from_the_figures() -> None:
    assert f"{round(1 / City(1).alerting_cores):,} sensors" in PAGE
    assert f"the end is at {told(1 / City(1).predictions_share)} sensors" in PAGE
    million = City(1_000_000)
    assert f"{share(million.ingest_share)} of what one `ingest` does, {told(million.kept_gb)} GB for 30 days" in PAGE
    assert f"{told(million.kafka_mb_per_s)} MB a second" in PAGE
    assert f"all {told(million.readings_per_s)} readings a second" in PAGE
    assert f"`ws_clients_held`, {figure('`ws_clients_held`'):,.0f}" in PAGE
    assert f"{figure('`ws_kb_per_idle_client`'):.0f} kB" in PAGE
    assert f"{figure('`ws_messages_per_s`'):,.0f} messages a second" in PAGE
    assert f"{len(encode(EXAMPLE))} bytes" in PAGE
    assert f"{figure('`ingest_rows_per_s`', 2):,.0f}" in PAGE


def knob(label: str) -> list[str]:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {label} |")]
    return [cell.strip() for cell in row.strip("|").split("|")[1:]]


def test_what_to_set_fits_the_arithmetic() -> None:
    partitions = [int(cell) for cell in knob("`URBANCLEAR_KAFKA_PARTITIONS`")]
    processes = [int(cell) for cell in knob("`ingest`, processes")]
    hours = [number(cell) for cell in knob("chunk of `readings`, hours")]
    memory = [number(cell) for cell in knob("database's memory, GB")]
    events = [int(number(cell)) for cell in knob("`URBANCLEAR_LIVE_LOG_EVENTS`")]
    cores = [int(number(cell)) for cell in knob("Spark's cores for `jobs`")]
    for place, city in enumerate(map(City, CITIES)):
        assert city.ingest_share < processes[place] <= partitions[place]
        assert city.day_gb * hours[place] / 24 * 4 <= memory[place]
        assert events[place] >= city.readings_per_s * 600 or city.sensors == max(CITIES)
        assert cores[place] >= city.spark_cores


def test_the_overlays_are_the_cities_that_the_page_says() -> None:
    small, large = (the_only(overlay, "ConfigMap")["data"] for overlay in ("single-node", "production"))
    first, second, *_ = knob("`URBANCLEAR_KAFKA_PARTITIONS`")
    assert small["URBANCLEAR_KAFKA_PARTITIONS"] == first
    assert large["URBANCLEAR_KAFKA_PARTITIONS"] == second
    memory = of_kind("production", "Cluster")["urbanclear-database"]["spec"]["resources"]["limits"]["memory"]
    assert number(memory) >= number(knob("database's memory, GB")[1])
    worker = container(of_kind("production", "Deployment")["spark-worker"])["command"]
    workers = of_kind("production", "Deployment")["spark-worker"]["spec"]["replicas"]
    assert workers * int(worker[worker.index("--cores") + 1]) >= int(number(knob("Spark's cores for `jobs`")[2]))


def test_every_metric_that_is_to_be_looked_at_exists() -> None:
    named = set(re.findall(r"`(urbanclear_[a-z_]+)`", PAGE))
    assert named
    assert named <= {
        name
        for file in ROOT.rglob("*metrics.py")
        if ".venv" not in file.parts
        for name in re.findall(r'"(urbanclear_[a-z_]+)"', file.read_text())
    }


def test_the_page_is_found_from_where_one_deploys() -> None:
    assert "docs/scaling.md" in (ROOT / "deploy" / "README.md").read_text()
