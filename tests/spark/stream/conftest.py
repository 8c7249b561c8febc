"""A town on a real Kafka and database, with a stream to be started."""

from pathlib import Path

import pytest

from tests.spark.stream.town import build
from urbanclear.settings import Settings


@pytest.fixture
def settings(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database_url,
            "kafka_bootstrap": kafka_bootstrap,
            "time_zone": "UTC",
            "holidays": "DE",
            "stream_checkpoint": tmp_path / "checkpoint",
        }
    )


@pytest.fixture
def town(database_url: str) -> str:
    build(database_url)
    return database_url
