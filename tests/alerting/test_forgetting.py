"""What is over is forgotten in time, what is not is kept."""

from datetime import timedelta

from sqlalchemy import insert, update

from alerting.forgetting import forget
from schema.tables import alert_events, alert_notices, alert_requests, alert_told, alerts, notifications
from tests.alerting.stage import START, Stage, email, minutes

DAY = timedelta(days=1)
ROUTE = {"name": "all", "contacts": ["ann"], "group_by": ["subject"], "group_wait": "0s", "group_interval": "0s"}
TABLES = (alerts, alert_events, alert_told, alert_notices, notifications)


async def _one_over_and_one_that_fires(stage: Stage) -> str:
    """The id of the one that fires."""
    await stage.define({"routes": [ROUTE]}, email("ann"))
    await stage.fire("slow", "over")
    fires = await stage.fire("slow", "fires")
    await stage.after(minutes(1))
    await stage.resolve("slow", "over")
    await stage.after(minutes(1))
    async with stage.engine.begin() as connection:
        await connection.execute(update(notifications).values(state="delivered"))
    return fires


async def test_an_alert_that_is_over_goes_with_all_that_was_told_of_it(stage: Stage) -> None:
    fires = await _one_over_and_one_that_fires(stage)
    await stage.after(minutes(300))  # what fires is told again
    assert await forget(stage.engine, None, 400 * DAY, START + 400 * DAY) == 0
    assert await forget(stage.engine, None, 400 * DAY, START + 400 * DAY + timedelta(hours=1)) > 0
    kept = {table.name: await stage.rows(table) for table in TABLES}
    assert [row.id for row in kept["alerts"]] == [fires]
    assert {row.alert_id for row in kept["alert_events"]} == {fires}
    assert {row.alert_id for row in kept["alert_told"]} == {fires}
    assert {row.notice_id for row in kept["notifications"]} == {row.id for row in kept["alert_notices"]}


async def test_what_is_kept_for_ever_is(stage: Stage) -> None:
    await _one_over_and_one_that_fires(stage)
    assert await forget(stage.engine, None, None, START + 4_000 * DAY) == 0
    assert len(await stage.rows(alerts)) == 2


async def test_what_never_fired_goes_after_a_day_and_answers_after_a_week(stage: Stage) -> None:
    await _one_over_and_one_that_fires(stage)
    async with stage.engine.begin() as connection:
        await connection.execute(update(alerts).where(alerts.c.subject == "over").values(fired_at=None))
        asked = {"kind": "dry_run", "body": {}, "requested_by": "test", "requested_at": START}
        await connection.execute(insert(alert_requests).values(id="old", **asked))
    await forget(stage.engine, None, None, START + 2 * DAY)
    assert [row.subject for row in await stage.rows(alerts)] == ["fires"]
    assert len(await stage.rows(alert_requests)) == 1
    await forget(stage.engine, None, None, START + 8 * DAY)
    assert await stage.rows(alert_requests) == []
