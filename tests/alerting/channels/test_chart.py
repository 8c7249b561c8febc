"""The chart of an e-mail: the last hours of a sensor, what is normal, and the bound of its rule."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy.ext.asyncio import create_async_engine

from alerting.channels.email.chart import draw, top
from alerting.channels.email.history import Histories, History
from schema.database import sqlalchemy_url
from tests.alerting.channels.test_email import with_speeds
from tests.alerting.outbox import NOW

SPEEDS = [
    (datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(minutes=5 * number), 20.0 + number) for number in range(11)
]
NORMAL = [(time, 30.0, 40.0, 50.0) for time, _ in SPEEDS]


def test_the_axis_leaves_room_above_all_that_is_drawn() -> None:
    assert top(History("a", SPEEDS, [])) == pytest.approx(33)
    assert top(History("a", SPEEDS, NORMAL)) == pytest.approx(55)
    assert top(History("a", SPEEDS, NORMAL, bound=60)) == pytest.approx(66)
    assert top(History("a", [(SPEEDS[0][0], 0.0)], [])) > 0


def test_what_is_normal_and_the_bound_are_drawn_where_they_are_known() -> None:
    def drawn(normal: list[tuple[datetime, float, float, float]], bound: float | None = None) -> bytes:
        return draw(History("a", SPEEDS, normal, bound), "UTC", "#c2410c")

    assert len({drawn([]), drawn(NORMAL), drawn([], 25), drawn(NORMAL, 25)}) == 4


def test_what_is_normal_at_one_moment_only_is_not_in_the_legend() -> None:
    one = [(SPEEDS[0][0], 10.0, 15.0, 20.0)]
    assert draw(History("a", SPEEDS, one), "UTC", "#c2410c") == draw(History("a", SPEEDS, []), "UTC", "#c2410c")


@pytest.mark.parametrize(
    ("when", "bound"),
    [
        ({"kind": "threshold", "measure": "speed_kmh", "below": 15}, 15),
        ({"kind": "threshold", "measure": "speed_ratio", "below": 0.2}, 12),
        ({"kind": "threshold", "measure": "volume_vph", "above": 900}, None),
        ({"kind": "threshold", "measure": "speed_kmh", "by": "area", "below": 15}, None),
        ({"kind": "deviation", "below": 0.4}, None),
        ({"kind": "of another release"}, None),
    ],
)
async def test_the_bound_is_that_of_a_rule_of_a_sensors_speed(
    database_url: str, when: dict[str, object], bound: float | None
) -> None:
    with_speeds(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE sensors SET free_flow_speed_kmh = 60")
        connection.execute(
            "INSERT INTO alert_definitions (kind, name, version, definition, origin, changed_by)"
            " VALUES ('rule', 'mine', 1, %s, 'api', 'me')",
            [Jsonb({"name": "mine", "title": "slow", "when": when})],
        )
    engine = create_async_engine(sqlalchemy_url(database_url))
    histories = Histories(engine, "America/New_York", "US-NY")
    mine, gone = [await histories.of("nyc-dot:1", NOW, rule) for rule in ("mine", "gone")]
    await engine.dispose()
    assert mine is not None
    assert mine.bound == (pytest.approx(bound) if bound is not None else None)
    assert gone is not None
    assert gone.bound is None
