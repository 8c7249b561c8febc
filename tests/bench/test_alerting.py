"""The benchmark of alerting, on a stack and receivers of its own."""

from bench.alerting.measure import Plan, measure


async def test_readings_and_incidents_are_told_and_every_reader_has_mail() -> None:
    plan = Plan(rules=2, sensors=20, watched_s=1, rounds=1, tries=1, emails=20)
    figures = {one.name: one for one in await measure(plan, lambda _: None)}
    assert set(figures) == {
        "core_share_10k",
        "reading_to_webhook_p95_s",
        "incident_to_webhook_p95_s",
        "emails_10k_s",
    }
    assert all(one.value > 0 for one in figures.values())
    assert figures["incident_to_webhook_p95_s"].value < 10
