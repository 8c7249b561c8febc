"""The page on live feeds says what there is: every feed, metric, outcome and setting."""

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from ingest.sources import live
from ingest.sources.live import metrics
from ingest.sources.live.feeds import ALL
from urbanclear.settings import as_text

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "feeds.md").read_text()
MINUTES = {"60s": "1 min", "120s": "2 min", "300s": "5 min", "900s": "15 min", "3600s": "1 h"}


def test_every_feed_is_documented_with_its_interval_and_its_server() -> None:
    for feed in ALL:
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{feed.name}` |")]
        cells = [cell.strip() for cell in row.split("|")]
        assert cells[3] == MINUTES[as_text(feed.every)]
        assert cells[2].split(",")[0] == (feed.url.split("/")[2] if feed.url else "`--url`")


def test_every_metric_of_live_feeds_is_documented() -> None:
    kept = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
    described = [family for metric in kept for family in metric.collect()]
    names = [f"{family.name}_total" if family.type == "counter" else family.name for family in described]
    assert names
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []


def test_every_outcome_is_documented() -> None:
    code = "".join(file.read_text() for file in Path(live.__path__[0]).glob("*.py"))
    outcomes = set(re.findall(r'FeedError\(\s*"(\w+)"', code)) | {"changed", "server_error", "news", "not_modified"}
    assert len(outcomes) > 10
    assert [outcome for outcome in outcomes if f"`{outcome}`" not in PAGE] == []
