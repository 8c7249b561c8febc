"""New York's collision reports as a recording: what each report means is the live feed's knowledge."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ingest.sources.live.feed import Document
from ingest.sources.outcome import Rejected
from ingest.sources.replay.rows import Window
from ingest.sources.replay.tables.opening import DAMAGED, open_unpacked
from schema.events import Incident
from urbanclear.errors import SourceError

MOST_BYTES: Final = 1_000_000_000  # all of the city's reports since 2012 are half of that


def read_collisions(path: Path, window: Window) -> list[Incident | Rejected]:
    """Each collision that began in `window`, as reported and as cleared, and rows that cannot be used.

    All of the file is held in memory. Raises `SourceError` where it cannot be read.
    """
    from ingest.sources.live.nyc_collisions import parse  # which reads with what the replay reads with

    document = Document(url=path.name, media_type="text/csv", body=_read(path), fetched_at=datetime.now(UTC))
    return [
        part
        for part in parse(document)
        if isinstance(part, Rejected) or (isinstance(part, Incident) and part.started_at in window)
    ]


def _read(path: Path) -> bytes:
    with open_unpacked(path) as file:
        try:
            body = file.read(MOST_BYTES + 1)
        except DAMAGED as error:
            raise SourceError(f"{path} is damaged: {error}. Fetch the file again.") from error
    if len(body) > MOST_BYTES:
        raise SourceError(f"{path} is larger than {MOST_BYTES:,} bytes; split it by years.")
    return body
