"""What `urbanclear up` is told of its source is what `urbanclear source` is told."""

from pathlib import Path

import pytest

from urbanclear.embedded.source import ReplayOptions, keeps_old_times, source_arguments
from urbanclear.embedded.stack import Stack
from urbanclear.settings import Settings

MOVED = ReplayOptions(loop=True, shift_to_now=True, align="week")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    (tmp_path / "own.csv").write_text("sensor,time,speed_kmh\n")
    return tmp_path / "own.csv"


def test_options_of_a_replay_are_handed_on_where_they_are_given(recording: Path) -> None:
    source = f"replay:{recording}"
    assert source_arguments(source, "7d", ReplayOptions()) == ["replay", str(recording)]
    options = ReplayOptions(speed="2x", file_format="readings", sensors=recording, loop=True)
    assert source_arguments(source, "7d", options) == [
        "replay", str(recording), "--speed", "2x", "--format", "readings", "--sensors", str(recording), "--loop",
    ]  # fmt: skip
    assert source_arguments(source, "7d", MOVED)[2:] == ["--align", "week", "--loop", "--shift-to-now"]


def test_other_sources_take_none_of_them() -> None:
    assert source_arguments("simulator", "12h", MOVED) == ["simulator", "--history", "12h"]
    storm = ["simulator", "--history", "7d", "--scenario", "storm"]
    assert source_arguments("simulator:storm", "7d", MOVED) == storm
    assert source_arguments("live:nyc-dot", "7d", MOVED) == ["live", "nyc-dot"]
    assert source_arguments("none", "7d", MOVED) == []


@pytest.mark.parametrize(
    ("options", "kept"), [(ReplayOptions(), True), (ReplayOptions(loop=True), True), (MOVED, False)]
)
def test_a_recording_is_kept_for_ever_unless_it_is_moved_to_now(
    recording: Path, monkeypatch: pytest.MonkeyPatch, options: ReplayOptions, kept: bool
) -> None:
    for name in ("READINGS_RETENTION", "ROLLUPS_5M_RETENTION"):
        monkeypatch.delenv(f"URBANCLEAR_{name}", raising=False)
    arguments = source_arguments(f"replay:{recording}", "7d", options)
    stack = Stack(recording.parent, Settings(), arguments, say=lambda what: None)
    stack._keep_what_is_replayed()
    assert keeps_old_times(arguments) is kept
    assert (stack.settings.readings_retention is None) is kept
