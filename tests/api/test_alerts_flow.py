"""What an operator does about an alert comes back live, through alerting's own relay and Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from alerting.database import connected
from alerting.relay import Relay
from tests.api.alerting import add_alerts, alert_row
from tests.api.conftest import LiveApi, bearer, running_api
from tests.api.live.listening import listener, told
from tests.waiting import until_query


@asynccontextmanager
async def relaying(live_api: LiveApi) -> AsyncIterator[None]:
    stop, engine = asyncio.Event(), connected(str(live_api.settings.database_url))
    telling = asyncio.create_task(Relay(engine, live_api.bootstrap).run(stop))
    yield
    stop.set()
    await telling
    await engine.dispose()


async def test_who_watches_learns_what_is_done_about_an_alert(live_api: LiveApi, database_url: str) -> None:
    add_alerts(database_url, alert_row())
    async with (
        running_api(live_api.settings) as late,
        relaying(late),
        listener(late, "alerts", areas=["staten-island"]) as socket,
        httpx.AsyncClient(base_url=f"{late.url}/api/v1", trust_env=False, headers=bearer()) as client,
    ):
        [known] = (await told(socket))["items"]
        assert (known["id"], known["acknowledged_by"]) == ("a1", None)
        await client.post("/alerts/a1/acknowledge")
        [taken] = (await told(socket))["items"]
        assert (taken["acknowledged_by"], taken["revision"], taken["value"]) == ("tests", 2, 12.5)
        await client.post("/alerts/a1/comments", json={"text": "Crew is on its way"})
        await client.put("/alerts/a1/assignee", json={"assignee": "Night shift"})
        [given] = (await told(socket))["items"]
        assert (given["assignee"], given["revision"]) == ("Night shift", 4)
        told_of = "SELECT string_agg(kind, ' ' ORDER BY id) FROM alert_events WHERE published_at IS NOT NULL"
        await until_query(database_url, told_of, "acknowledged assigned")
