"""Who is told of what, when, and when not."""

from datetime import timedelta
from itertools import pairwise

from alerting.dispatch.routes import group_of, routes_of
from schema.alerting.routing import Policy
from schema.tables import alert_notices, notifications
from tests.alerting.stage import START, Stage, email, minutes, said

NOW = timedelta(0)
ROUTE = {"name": "all", "contacts": ["ann"], "group_by": ["area"], "group_wait": "30s", "group_interval": "5m"}


async def test_a_burst_in_one_area_is_one_message(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]}, email("ann"))
    for number in range(3):
        await stage.fire("slow", f"b{number}", area="Brooklyn")
    await stage.fire("slow", "q1", area="Queens")
    assert await stage.after(timedelta(seconds=29)) == []
    told = said(await stage.after(timedelta(seconds=1)))
    assert sorted(told) == [("ann", "alert", ["b0", "b1", "b2"]), ("ann", "alert", ["q1"])]


async def test_what_follows_in_a_group_is_told_an_interval_later(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]}, email("ann"))
    await stage.fire("slow", "b0", area="Brooklyn")
    await stage.after(minutes(1))
    await stage.fire("slow", "b1", area="Brooklyn")
    assert await stage.after(minutes(4)) == []
    assert said(await stage.after(minutes(1))) == [("ann", "alert", ["b1"])]


async def test_whoever_was_told_is_told_of_the_end_and_nobody_else(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]}, email("ann"))
    await stage.fire("slow", "b0", area="Brooklyn")
    await stage.after(minutes(1))
    await stage.resolve("slow", "b0")
    await stage.fire("slow", "q1", area="Queens")
    await stage.resolve("slow", "q1")
    assert said(await stage.after(minutes(6))) == [("ann", "resolved", ["b0"])]
    assert await stage.after(minutes(600)) == []


async def test_an_alert_takes_the_first_route_that_fits_and_on_from_there(stage: Stage) -> None:
    routes = [
        {"name": "closures", "match": ['kind="incident"', 'area=~"Br.*"'], "contacts": ["ann"], "continue": True},
        {"name": "urgent", "match": ['priority=~"high|critical"'], "contacts": ["bob"]},
        {"name": "rest", "contacts": ["eve"]},
    ]
    policy = Policy.model_validate({"routes": routes})

    def taken(**labels: str) -> list[str]:
        return [route.name for route in routes_of(policy, labels)]

    assert taken(kind="incident", area="Bronx", priority="high") == ["closures", "urgent"]
    assert taken(kind="incident", area="Queens", priority="low") == ["rest"]
    assert taken(kind="incident", area="Bronx", priority="low") == ["closures", "rest"]
    assert group_of(policy.routes[0], {"rule": "slow", "area": ["Bronx", "Queens"]}).labels == {
        "rule": "slow",
        "area": "Bronx, Queens",
    }


async def test_what_is_silenced_is_told_once_the_silence_is_over(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]}, email("ann"))
    await stage.silence('area="Brooklyn"', lasts=minutes(30))
    alert = await stage.fire("slow", "b0", area="Brooklyn")
    assert await stage.after(minutes(10)) == []
    assert "muted" in await stage.events(alert)
    await stage.after(minutes(20))
    assert said(await stage.after(minutes(1))) == [("ann", "alert", ["b0"])]


async def test_a_silence_that_comes_back_holds_in_its_hours_alone(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]}, email("ann"))
    hours = {"from": "08:00", "until": "09:00", "weekdays": ["mon"], "time_zone": "UTC"}
    await stage.silence('area="Brooklyn"', lasts=timedelta(days=30), hours=hours)
    await stage.fire("slow", "b0", area="Brooklyn")
    assert await stage.after(minutes(59)) == []
    await stage.after(minutes(1))
    assert said(await stage.after(minutes(1))) == [("ann", "alert", ["b0"])]


async def test_a_closed_bridge_mutes_the_congestion_of_its_links(stage: Stage) -> None:
    closed = {"source": ['rule="closed"'], "target": ['rule="slow"'], "equal": ["sensor"]}
    await stage.define({"routes": [{**ROUTE, "group_by": []}], "inhibitions": [closed]}, email("ann"))
    await stage.fire("closed", "bridge", sensor=["s1", "s2"])
    await stage.fire("slow", "s1", sensor="s1")
    await stage.fire("slow", "s9", sensor="s9")
    assert said(await stage.after(minutes(1))) == [("ann", "alert", ["bridge", "s9"])]
    await stage.resolve("closed", "bridge")
    assert said(await stage.after(minutes(5))) == [("ann", "alert", ["bridge", "s1"])]


async def test_what_still_fires_is_told_again_until_somebody_takes_it_on(stage: Stage) -> None:
    await stage.define({"routes": [{**ROUTE, "repeat_interval": "1h"}]}, email("ann"))
    alert = await stage.fire("slow", "b0", area="Brooklyn")
    await stage.after(minutes(1))
    assert await stage.after(minutes(59)) == []
    assert said(await stage.after(minutes(1))) == [("ann", "repeat", ["b0"])]
    await stage.acknowledge(alert)
    assert await stage.after(minutes(180)) == []


async def test_what_nobody_takes_on_goes_to_the_next(stage: Stage) -> None:
    escalate = [{"after": "15m", "contacts": ["bob"]}, {"after": "30m", "contacts": ["eve"]}]
    await stage.define({"routes": [{**ROUTE, "escalate": escalate}]}, *map(email, ("ann", "bob", "eve")))
    alert = await stage.fire("slow", "b0", area="Brooklyn")
    assert said(await stage.after(minutes(1))) == [("ann", "alert", ["b0"])]
    assert await stage.after(minutes(14)) == []
    assert said(await stage.after(minutes(1))) == [("bob", "escalation", ["b0"])]
    await stage.acknowledge(alert)
    assert await stage.after(minutes(30)) == []
    await stage.resolve("slow", "b0")
    assert said(await stage.after(minutes(6))) == [("ann", "resolved", ["b0"]), ("bob", "resolved", ["b0"])]
    assert (await stage.events(alert)).count("escalated") == 2


async def test_a_channel_is_used_from_its_priority_on(stage: Stage) -> None:
    urgent = email("bob", channel={"least": "high"})
    silent_end = email("eve", channel={"send_resolved": False})
    route = {**ROUTE, "contacts": ["ann", "bob", "eve"]}
    await stage.define({"routes": [route]}, email("ann"), urgent, silent_end)
    await stage.fire("slow", "b0", "medium", area="Brooklyn")
    await stage.fire("closed", "q0", "critical", area="Queens")
    told = said(await stage.after(minutes(1)))
    assert [who for who, _, subjects in told if subjects == ["b0"]] == ["ann", "eve"]
    assert [who for who, _, subjects in told if subjects == ["q0"]] == ["ann", "bob", "eve"]
    await stage.resolve("slow", "b0")
    assert [who for who, *_ in said(await stage.after(minutes(6)))] == ["ann"]


async def test_quiet_hours_hold_back_what_is_not_urgent(stage: Stage) -> None:
    quiet = [{"from": "22:00", "until": "09:30", "time_zone": "UTC", "unless": "critical"}]
    await stage.define({"routes": [ROUTE]}, email("ann", quiet=quiet))
    await stage.fire("slow", "b0", "medium", area="Brooklyn")
    await stage.fire("closed", "q0", "critical", area="Queens")
    await stage.after(minutes(1))
    due = {row.priority: row.next_at for row in await stage.rows(notifications)}
    assert due == {"medium": START + minutes(90), "critical": START + minutes(1)}


async def test_what_no_route_takes_is_kept_and_not_told(stage: Stage) -> None:
    await stage.define({"routes": [{**ROUTE, "match": ['area="Bronx"']}]}, email("ann"))
    alert = await stage.fire("slow", "b0", area="Brooklyn")
    assert await stage.after(minutes(10)) == []
    assert await stage.events(alert) == ["firing"]


async def test_a_route_whose_contacts_are_gone_says_that_nobody_is_there(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]})
    await stage.fire("slow", "b0", area="Brooklyn")
    assert await stage.after(minutes(1)) == []
    assert [row.outcome for row in await stage.rows(alert_notices)] == ["nobody"]
    assert await stage.after(minutes(1)) == []
    assert len(await stage.rows(alert_notices)) == 1


async def test_ten_thousand_contacts_are_one_notice(stage: Stage) -> None:
    contacts = [email(f"p{number}") for number in range(300)]
    await stage.define({"routes": [{**ROUTE, "contacts": [one.name for one in contacts]}]}, *contacts)
    await stage.fire("slow", "b0", area="Brooklyn")
    assert len(await stage.after(minutes(1))) == 300
    assert len(await stage.rows(alert_notices)) == 1


async def test_whoever_was_told_is_told_of_the_end_though_the_route_is_gone(stage: Stage) -> None:
    await stage.define({"routes": [ROUTE]}, email("ann"), email("bob"))
    await stage.fire("slow", "b0", area="Brooklyn")
    await stage.after(minutes(1))
    await stage.define({"routes": [{**ROUTE, "name": "other", "contacts": ["bob"]}]}, email("ann"), email("bob"))
    await stage.after(minutes(1))
    await stage.resolve("slow", "b0")
    told = said(await stage.after(minutes(6)))
    assert ("ann", "resolved", ["b0"]) in told


async def test_a_repeat_takes_all_of_its_group_along(stage: Stage) -> None:
    await stage.define({"routes": [{**ROUTE, "repeat_interval": "1h"}]}, email("ann"))
    await stage.fire("slow", "b0", area="Brooklyn")
    await stage.after(minutes(1))
    await stage.fire("slow", "b1", area="Brooklyn")
    await stage.after(minutes(30))
    assert said(await stage.after(minutes(30))) == [("ann", "repeat", ["b0", "b1"])]
    assert await stage.after(minutes(59)) == []


async def test_escalation_counts_from_when_somebody_was_told_and_keeps_to_the_interval(stage: Stage) -> None:
    escalate = [{"after": "15m", "contacts": ["bob"]}]
    await stage.define({"routes": [{**ROUTE, "escalate": escalate}]}, *map(email, ("ann", "bob")))
    await stage.silence('area="Brooklyn"', lasts=minutes(60))
    await stage.fire("slow", "b0", area="Brooklyn")
    assert said(await stage.after(minutes(61))) == [("ann", "alert", ["b0"])]
    await stage.fire("slow", "b1", area="Brooklyn")
    assert said(await stage.after(minutes(6))) == [("ann", "alert", ["b1"])]
    assert said(await stage.after(minutes(9))) == [("bob", "escalation", ["b0"])]
    assert await stage.after(minutes(4)) == []
    assert said(await stage.after(minutes(3))) == [("bob", "escalation", ["b1"])]


async def test_nothing_is_told_of_a_group_within_its_interval(stage: Stage) -> None:
    await stage.define({"routes": [{**ROUTE, "group_interval": "20m", "repeat_interval": "30m"}]}, email("ann"))
    await stage.fire("slow", "b0", area="Brooklyn")
    await stage.after(minutes(1))
    times = []
    for minute in range(90):
        if minute == 25:
            await stage.fire("slow", "b1", area="Brooklyn")
        if await stage.after(minutes(1)):
            times.append(minute)
    assert all(later - earlier >= 20 for earlier, later in pairwise(times))
    assert len(times) >= 3
