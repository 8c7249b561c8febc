"""Of several processes one leads, another takes over soon, and the first can write nothing any more."""

import asyncio
import time

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.database import leading
from alerting.leadership import LEASE, give_back, lead, leader, renew, take_lead
from tests.waiting import until
from urbanclear.errors import LeadershipLost


async def _lapse(engine: AsyncEngine) -> None:
    """As if the leader had been killed a while ago."""
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alert_leader SET renewed_at = now() - interval '1 minute'"))


async def test_one_leads_and_the_others_wait(engine: AsyncEngine) -> None:
    assert await leader(engine) is None
    assert await take_lead(engine, "one") == 1
    assert await take_lead(engine, "two") is None
    assert await leader(engine) == "one"


async def test_one_that_stops_is_followed_at_once(engine: AsyncEngine) -> None:
    assert await take_lead(engine, "one") == 1
    await give_back(engine, 1)
    assert await take_lead(engine, "two") == 2


async def test_one_that_lost_its_way_goes_on_under_another_epoch(engine: AsyncEngine) -> None:
    assert [await take_lead(engine, "one"), await take_lead(engine, "one")] == [1, 2]


async def test_whoever_was_taken_over_from_can_write_nothing(engine: AsyncEngine) -> None:
    assert await take_lead(engine, "one") == 1
    async with leading(engine, 1) as connection:
        await connection.execute(text("CREATE TABLE written (epoch int)"))
    await _lapse(engine)
    assert await take_lead(engine, "two") == 2
    with pytest.raises(LeadershipLost):
        await renew(engine, 1)
    with pytest.raises(LeadershipLost):
        async with leading(engine, 1) as connection:
            await connection.execute(text("INSERT INTO written VALUES (1)"))
    async with leading(engine, 2) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM written")) == 0


async def test_another_takes_over_within_ten_seconds_of_a_leader_that_hangs(engine: AsyncEngine) -> None:
    stop, leads = asyncio.Event(), asyncio.Event()

    async def work(_: int, ending: asyncio.Event) -> None:
        leads.set()
        await ending.wait()

    assert await take_lead(engine, "one") is not None  # and is never heard of again
    began = time.monotonic()
    second = asyncio.create_task(lead(engine, work, stop, "two"))
    await asyncio.wait_for(leads.wait(), 20)
    assert LEASE.total_seconds() - 1 < time.monotonic() - began < 10
    stop.set()
    await second
    assert await leader(engine) is None


async def test_a_leader_that_was_superseded_ends_its_work_and_may_wait_again(engine: AsyncEngine) -> None:
    ended = asyncio.Event()

    async def work(_: int, ending: asyncio.Event) -> None:
        try:
            await ending.wait()
        finally:
            ended.set()

    stop = asyncio.Event()
    first = asyncio.create_task(lead(engine, work, stop, "one"))

    async def leads() -> bool:
        return await leader(engine) == "one"

    await until(leads)
    await _lapse(engine)
    assert await take_lead(engine, "two") == 2
    await first
    assert ended.is_set()
