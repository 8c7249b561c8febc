"""From a feed's server to the row of an incident: polled, carried by Kafka, stored by ingest."""

import uuid

import psycopg
import pytest

from ingest.sources.live import datex2, ny511, open511, wzdx
from ingest.sources.live.feed import Feed
from tests.ingest.running import running_consumer
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.incident_documents import (
    NOW,
    XML,
    datex2_publication,
    datex2_record,
    datex2_situation,
    ny511_event,
    ny511_list,
    open511_event,
    open511_page,
    wzdx_feature,
    wzdx_feed,
)
from tests.ingest.sources.live.server import JSON, Answer, FeedServer
from tests.waiting import until_query
from urbanclear.settings import Settings

LIVES: list[tuple[Feed, str, list[bytes]]] = [  # there, changed, gone
    (
        ny511.FEED,
        JSON,
        [ny511_list(ny511_event()), ny511_list(ny511_event(Severity="Major")), ny511_list()],
    ),
    (
        open511.FEED,
        JSON,
        [open511_page(open511_event()), open511_page(open511_event(severity="MAJOR")), open511_page()],
    ),
    (
        wzdx.FEED,
        JSON,
        [
            wzdx_feed(wzdx_feature()),
            wzdx_feed(wzdx_feature(vehicle_impact="all-lanes-closed")),
            wzdx_feed(wzdx_feature(vehicle_impact="all-lanes-closed", event_status="completed")),
        ],
    ),
    (
        datex2.FEED,
        XML,
        [
            datex2_publication(datex2_situation(datex2_record())),
            datex2_publication(datex2_situation(datex2_record(severity="high"))),
            datex2_publication(datex2_situation(datex2_record(severity="high", status="suspended"))),
        ],
    ),
]
STATES = """
    SELECT string_agg(format('%s %s %s', split_part(incident_id, ':', 1), status, severity), ', '
                      ORDER BY split_part(incident_id, ':', 1), time, status DESC)
    FROM incident_updates
"""


@pytest.fixture
def settings(kafka_bootstrap: str, database_url: str) -> Settings:
    return Settings.model_validate(
        {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "ingest_group": uuid.uuid4().hex}
    )


async def test_the_lives_of_incidents_are_in_the_database(
    feed_server: FeedServer, polling: OpenPolling, settings: Settings
) -> None:
    for feed, media_type, bodies in LIVES:
        feed_server.answers(*(Answer(body, media_type) for body in bodies))
        async with polling(feed, now=NOW) as polls:
            for _ in range(4):
                await polls.poll()
                polls.clock.forward(minutes=1)
    url = str(settings.database_url)
    async with running_consumer(settings):
        expected = ", ".join(
            f"{name} {state}"
            for name in ("datex2", "ny511", "open511", "wzdx")
            for state in ("reported medium", "updated high", "cleared high")
        )
        await until_query(url, STATES, expected)
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT id, status, cleared_at >= time FROM incidents ORDER BY id").fetchall()
    assert rows == [
        ("datex2:GUID1", "cleared", True),
        ("ny511:TRANSCOM-1", "cleared", True),
        ("open511:city.example/E-1", "cleared", True),
        ("wzdx:wz-1", "cleared", True),
    ]
