"""How a stream tells how it goes."""

import io

import pytest
from rich.console import Console

from spark.stream import progress
from spark.stream.progress import reporter
from spark.stream.sink import Tally
from tests.spark.stream.town import build


@pytest.fixture
def server_url(embedded_postgres: str) -> str:
    return embedded_postgres


def test_a_terminal_has_one_line(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build(database_url)
    monkeypatch.setattr(progress, "SHOW_S", 0.0)
    told = io.StringIO()
    with reporter(database_url, Console(file=told, force_terminal=True, width=120)) as report:
        report(Tally(readings=7, batches=1, begun=2, delay_s=1.25))
    assert "1.2 s behind Kafka, 2 anomalies begun, 0 open" in told.getvalue()


def test_elsewhere_the_log_says_what_was_done_since_it_last_did(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build(database_url)
    monkeypatch.setattr(progress, "LOG_S", 0.0)
    with reporter(database_url, Console(file=io.StringIO())) as report:
        report(Tally(readings=7, batches=3, begun=2))
        report(Tally(readings=8, batches=5, begun=2))
    first, second = capsys.readouterr().out.splitlines()
    assert "begun=2" in first
    assert "batches=2" in second
    assert "begun=0" in second


def test_a_database_that_is_away_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_S", 0.0)
    with reporter("postgresql://a@127.0.0.1:1/a", Console(file=io.StringIO())) as report:
        report(Tally())
