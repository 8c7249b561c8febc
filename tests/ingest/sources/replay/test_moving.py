"""A recording moved in time: every round is new, nothing is of the future, rush hours stay where they are."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.replay import ReplaySource, usual_speed
from ingest.sources.replay.moving import Align, Moving
from ingest.sources.replay.survey import Span
from schema.events import Reading
from schema.publisher import Publisher
from tests.ingest.sources.replay.collecting import Collected, replayed
from urbanclear.errors import ConfigurationError

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)
MINUTE = timedelta(minutes=1)


class Stopping(Collected):
    """Tells the source to stop once it has so many readings."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.stop = asyncio.Event()
        self._at = at

    async def publish_readings(self, readings: Iterable[Reading]) -> None:
        await super().publish_readings(readings)
        if len(self.readings) >= self._at:
            self.stop.set()
            await asyncio.sleep(0)


def recording(path: Path, times: list[datetime], *, bad: str = "") -> Path:
    rows = [f"city:{name},{time.isoformat()},50\n" for time in times for name in "ab"]
    path.write_text("sensor,time,speed_kmh\n" + "".join(rows) + bad)
    return path


async def looped(path: Path, readings: int, **options: Any) -> Stopping:
    collected = Stopping(readings)
    source = ReplaySource(path, loop=True, **{"speed": None, "clock": lambda: NOW, **options})
    await asyncio.wait_for(source.run(cast(Publisher, collected), collected.stop), 20)
    return collected


async def test_each_round_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    path = recording(tmp_path / "own.csv", [NOON + number * MINUTE for number in range(5)])
    collected = await looped(path, 30)
    of_a = [reading.time for reading in collected.readings if reading.sensor == "city:a"]
    assert of_a[:15] == [NOON + number * MINUTE for number in range(15)]


@given(
    st.lists(st.integers(0, 20_000), min_size=1, max_size=20, unique=True),
    st.sampled_from([None, "week"]),
    st.booleans(),
)
def test_rounds_never_repeat_a_time_nor_go_back(seconds: list[int], align: Align | None, to_now: bool) -> None:
    times = [NOON + timedelta(seconds=second) for second in sorted(seconds)]
    moving = Moving(loop=True, to_now=to_now, align=align, speed=1.0, clock=lambda: NOW)
    rounds = moving.offsets(Span(times[0], times[-1]), MINUTE, NEW_YORK)
    moved = [time + offset for offset, _ in zip(rounds, range(4), strict=False) for time in times]
    assert all(before < after for before, after in pairwise(moved))


@given(
    st.datetimes(datetime(2010, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)),
    st.datetimes(datetime(2026, 11, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_moved_by_weeks_a_time_keeps_its_weekday_and_hour_and_is_of_the_last_week(
    first: datetime, now: datetime
) -> None:
    moving = Moving(loop=False, to_now=True, align="week", speed=None, clock=lambda: now)
    [offset] = moving.offsets(Span(first, first + timedelta(days=3)), MINUTE, NEW_YORK)
    moved = first + offset
    assert now - WEEK - timedelta(hours=1) <= moved <= now
    before, after = first.astimezone(NEW_YORK), moved.astimezone(NEW_YORK)
    skipped = after.replace(tzinfo=None) - before.replace(tzinfo=None)  # an hour more where clocks leap over it
    assert skipped % WEEK in (timedelta(0), timedelta(hours=1))
    assert offset % timedelta(minutes=30) == timedelta(0)


async def test_moved_to_now_the_first_reading_is_due_now_and_the_rest_keep_their_distance(tmp_path: Path) -> None:
    path = recording(tmp_path / "own.csv", [NOON, NOON + timedelta(seconds=0.2)])
    before = datetime.now(UTC).replace(microsecond=0)
    collected = await replayed(path, shift_to_now=True, speed=1.0)
    first, last = collected.readings[0].time, collected.readings[-1].time
    assert before <= first <= datetime.now(UTC)
    assert last - first == timedelta(seconds=0.2)


async def test_what_is_moved_waits_for_its_time_whatever_the_speed(tmp_path: Path) -> None:
    arrivals: list[float] = []

    class Clocked(Collected):
        async def publish_readings(self, readings: Iterable[Reading]) -> None:
            arrivals.extend(asyncio.get_running_loop().time() for _ in readings)

    path = recording(tmp_path / "own.csv", [NOON, NOON + timedelta(seconds=0.3)])
    began = datetime.now(UTC)
    source = ReplaySource(
        path,
        speed=None,
        shift_to_now=True,
        align="week",
        clock=lambda: NOON + 9 * WEEK + (datetime.now(UTC) - began),
    )
    await source.run(cast(Publisher, Clocked()), asyncio.Event())
    waits = [arrival - arrivals[0] for arrival in arrivals]
    assert waits == pytest.approx([0, 0, 0.3, 0.3], abs=0.1)


async def test_rows_without_an_observation_are_told_of_in_the_first_round_only(tmp_path: Path) -> None:
    path = recording(tmp_path / "own.csv", [NOON, NOON + MINUTE], bad="city:a,never,50\ncity:a,2026-03-02T12:00Z,\n")
    collected = await looped(path, 40)
    assert len(collected.readings) >= 40
    assert dict(collected.refused) == {"bad_time": 1, "missing": 1}


async def test_the_length_of_a_round_is_that_of_the_window(tmp_path: Path) -> None:
    path = recording(tmp_path / "own.csv", [NOON + number * MINUTE for number in range(60)])
    collected = await looped(path, 12, start=NOON + 2 * MINUTE, end=NOON + 5 * MINUTE)
    assert [reading.time for reading in collected.readings[:12:2]] == [
        NOON + number * MINUTE for number in range(2, 8)
    ]


@pytest.mark.parametrize("speed", [None, 60.0])
def test_moved_to_now_and_faster_is_refused(tmp_path: Path, speed: float | None) -> None:
    path = recording(tmp_path / "own.csv", [NOON])
    with pytest.raises(
        ConfigurationError, match="would run into the future: leave the speed out, or add --align week"
    ):
        ReplaySource(path, shift_to_now=True, speed=speed)


def test_what_is_not_moved_cannot_be_aligned(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="add --shift-to-now or --loop"):
        ReplaySource(recording(tmp_path / "own.csv", [NOON]), align="week")


@pytest.mark.parametrize(("to_now", "align", "speed"), [(False, None, 60.0), (True, None, 1.0), (True, "week", None)])
def test_without_a_speed_the_one_that_fits_is_taken(to_now: bool, align: Align | None, speed: float | None) -> None:
    assert usual_speed(to_now=to_now, align=align) == speed
