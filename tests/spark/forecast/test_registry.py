"""Models are kept as they were, only a better one takes the place of another, and each step can be taken back."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from hypothesis import settings as trying
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from spark.forecast.registry import Entry, Evidence, Registry, held_out
from spark.forecast.window import STEPS_IN, Window
from spark.spans import Span
from tests.spark.forecast.models import Level
from urbanclear.errors import ConfigurationError, ModelUnavailable, NotPromoted
from urbanclear.settings import Settings

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
TRAINED_ON = Span(MIDNIGHT - timedelta(days=28), MIDNIGHT)
WEEK = Span(MIDNIGHT, MIDNIGHT + timedelta(days=7))
MADE = datetime(2026, 11, 29, 3, tzinfo=UTC)


@pytest.fixture
def kept(database_url: str, tmp_path: Path) -> Iterator[Registry]:
    given = {"database_url": database_url, "models_dir": tmp_path / "models"}
    with Registry.of(Settings.model_validate(given)) as registry:
        yield registry


def add(registry: Registry, kmh: float = 50.0, prefix: str = "level") -> Entry:
    return registry.add(lambda name: Level(name, kmh), prefix, TRAINED_ON, 7, {"mae_kmh": 4.5}, trained_at=MADE)


def better(by: float = 1.0) -> Evidence:
    return Evidence(WEEK, 4.0, 4.0 + by)


def first(registry: Registry) -> Entry:
    """A model put in place where there was none."""
    return registry.promote(add(registry).name, Evidence(WEEK, 4.0, None))


def test_a_model_is_found_again_with_where_it_is_from(kept: Registry) -> None:
    entry = add(kept, 61.0)
    assert (entry.name, entry.path) == ("level-2026-11-29-1", "level-2026-11-29-1.joblib")
    assert (entry.state, entry.seed, entry.metrics) == ("candidate", 7, {"mae_kmh": 4.5})
    assert (entry.trained_at, Span(entry.data_from, entry.data_to)) == (MADE, TRAINED_ON)
    assert kept.list() == [entry] == [kept.entry(entry.name)]
    empty = np.full((STEPS_IN, 2), np.nan, dtype=np.float32)
    found = kept.load(entry)
    assert found.name == entry.name
    assert float(found.forecast(Window(MIDNIGHT, ("a", "b"), empty)).speed_kmh.mean()) == 61.0


def test_models_of_one_day_are_numbered_and_never_overwrite_one_another(kept: Registry) -> None:
    one, two = add(kept, 40.0), add(kept, 50.0)
    assert [one.name, two.name] == ["level-2026-11-29-1", "level-2026-11-29-2"]
    assert [kept.load(one), kept.load(two)] == [Level(one.name, 40.0), Level(two.name, 50.0)]
    assert [file.name for file in sorted(kept.folder.iterdir())] == [one.path, two.path]


def test_a_file_that_is_there_already_keeps_its_name_and_its_content(kept: Registry) -> None:
    kept.folder.mkdir()
    other = kept.folder / "level-2026-11-29-1.joblib"
    other.write_bytes(b"of another database")
    assert add(kept).name == "level-2026-11-29-2"
    assert other.read_bytes() == b"of another database"


def test_a_model_that_cannot_be_kept_leaves_nothing_behind(kept: Registry) -> None:
    with pytest.raises(TypeError):
        kept.add(lambda name: Level(name, (n for n in [1.0])), "level", TRAINED_ON, 7, {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is to be called"):
        kept.add(lambda name: Level("mine", 1.0), "level", TRAINED_ON, 7, {})
    assert kept.list() == []
    assert list(kept.folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(kept: Registry) -> None:
    kept.folder.write_text("a file in its place")
    with pytest.raises(ConfigurationError, match="set URBANCLEAR_MODELS_DIR"):
        add(kept)
    with pytest.raises(ConfigurationError, match="small letters"):
        add(kept, prefix="../level")


def test_a_changed_or_missing_file_is_neither_loaded_nor_promoted_nor_brought_back(kept: Registry) -> None:
    entry = first(kept)
    kept.promote(add(kept).name, better())
    file = kept.folder / entry.path
    content = file.read_bytes()
    for spoil, reason in ((lambda: file.write_bytes(content[:-1] + b"x"), "SHA-256"), (file.unlink, "No such file")):
        spoil()
        with pytest.raises(ModelUnavailable, match=f"{reason}.*urbanclear forecast rollback"):
            kept.load(entry)
        with pytest.raises(ModelUnavailable):
            kept.promote(entry.name, better())
        with pytest.raises(ModelUnavailable):
            kept.rollback()
    file.write_bytes(content)
    assert kept.rollback().name == entry.name


def test_a_model_of_code_that_is_gone_says_so(kept: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = add(kept)
    monkeypatch.delattr("tests.spark.forecast.models.Level")
    with pytest.raises(ModelUnavailable, match="train a new one"):
        kept.load(entry)


def test_only_a_better_one_on_a_week_it_has_not_seen_is_promoted(kept: Registry) -> None:
    entry, new = first(kept), add(kept)
    seen = Span(WEEK.start - timedelta(days=1), WEEK.end)
    for evidence, reason in (
        (better(0.0), "is not better than level-2026-11-29-1, 4.000 km/h against 4.000"),
        (better(-1.0), "4.000 km/h against 3.000"),
        (Evidence(seen, 1.0, 9.0), "proves nothing"),
        (Evidence(WEEK, float("nan"), 9.0), "no score"),
        (Evidence(WEEK, 1.0, None), "level-2026-11-29-1, which is in place, has no score"),
        (None, "not been scored"),
    ):
        with pytest.raises(NotPromoted, match=reason):
            kept.promote(new.name, evidence)
    assert kept.in_place() == entry
    found = kept.promote(new.name, better())
    assert kept.in_place() == found
    assert found.evidence == {
        "against": entry.name,
        "forced": False,
        "from": "2026-11-02T00:00:00+00:00",
        "to": "2026-11-09T00:00:00+00:00",
        "new_mae_kmh": 4.0,
        "in_place_mae_kmh": 5.0,
    }


def test_one_in_place_whose_file_is_gone_is_no_reason_against_another(kept: Registry) -> None:
    (kept.folder / first(kept).path).unlink()
    new = add(kept)
    assert kept.promote(new.name, Evidence(WEEK, 4.0, None)) == kept.in_place()


def test_what_is_forced_is_noted(kept: Registry) -> None:
    first(kept)
    assert (kept.promote(add(kept).name, better(-1.0), force=True).evidence or {})["forced"] is True
    assert (kept.promote(add(kept).name, better(), force=True).evidence or {})["forced"] is False


def test_the_evidence_is_the_newest_week_on_which_both_were_scored(kept: Registry) -> None:
    later, newest = (Span(WEEK.start + shift, WEEK.end + shift) for shift in (timedelta(days=7), timedelta(days=14)))
    new = kept.add(lambda name: Level(name, 5.0), "level", TRAINED_ON, 7, {"held_out": [held_out(WEEK, 3.0)]})
    assert kept.evidence(new.name) == Evidence(WEEK, 3.0, None)
    entry = first(kept)
    assert kept.evidence(new.name) is None
    for week, mae in ((WEEK, 4.0), (later, 4.1), (later, 4.2)):
        kept.note_score(entry.name, week, mae)
    kept.note_score(new.name, later, 3.9)
    kept.note_score(new.name, newest, 3.8)
    assert kept.evidence(new.name) == Evidence(later, 3.9, 4.2)


def test_two_promotions_at_once_come_one_after_the_other(kept: Registry, database_url: str) -> None:
    one, two = add(kept), add(kept)
    with psycopg.connect(database_url, autocommit=True) as other, kept.connection.transaction():
        kept.promote(one.name, Evidence(WEEK, 4.0, None))
        other.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            Registry(other, kept.folder).promote(two.name, Evidence(WEEK, 4.0, None))
    assert (kept.in_place() or two).name == one.name


def test_the_registry_costs_neither_spark_nor_pandas() -> None:
    code = "import sys, spark.forecast.registry; assert not {'pyspark', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


class Promotions(RuleBasedStateMachine):
    """Drives a registry, and keeps beside it which model took the place of which."""

    registry: Registry
    models = Bundle("models")

    def __init__(self) -> None:
        super().__init__()
        self.registry.connection.execute("DELETE FROM forecast_models")
        self.stack: list[str] = []
        self.all: dict[str, float] = {}

    @rule(target=models, kmh=st.floats(0, 130))
    def add(self, kmh: float) -> str:
        name = add(self.registry, kmh).name
        self.all[name] = kmh
        return name

    @rule(name=models, new=st.floats(0, 9), old=st.none() | st.floats(0, 9), force=st.booleans())
    def promote(self, name: str, new: float, old: float | None, force: bool) -> None:
        evidence = Evidence(WEEK, new, old)
        if self.stack[-1:] == [name]:
            with pytest.raises(ConfigurationError, match="already"):
                self.registry.promote(name, evidence, force=force)
        elif force or not self.stack or (old is not None and new < old):
            assert self.registry.promote(name, evidence, force=force).name == name
            self.stack = [former for former in self.stack if former != name] + [name]
        else:
            with pytest.raises(NotPromoted):
                self.registry.promote(name, evidence)

    @rule()
    def roll_back(self) -> None:
        if len(self.stack) > 1:
            self.stack.pop()
            assert self.registry.rollback().name == self.stack[-1]
        else:
            with pytest.raises(ConfigurationError, match="No model was in place before"):
                self.registry.rollback()

    @invariant()
    def the_one_in_place_is_the_last_promoted(self) -> None:
        found = self.registry.in_place()
        assert (found and found.name) == (self.stack[-1] if self.stack else None)

    @invariant()
    def every_model_is_there_with_its_own_file(self) -> None:
        entries = self.registry.list()
        assert {entry.name for entry in entries} == set(self.all)
        assert {entry.name for entry in entries if entry.state in ("in_place", "former")} == set(self.stack)
        assert all(self.registry.load(entry) == Level(entry.name, self.all[entry.name]) for entry in entries)


def test_promotions_and_rollbacks_are_a_stack(kept: Registry) -> None:
    machine = type("OfThisDatabase", (Promotions,), {"registry": kept})
    run_state_machine_as_test(machine, settings=trying(max_examples=25, stateful_step_count=20, deadline=None))
