"""How new what is stored is, looked up again and again: it goes on ageing when no reading is stored any more."""

import asyncio
from typing import Final

from sqlalchemy import Executable, func, select
from sqlalchemy.exc import SQLAlchemyError

from api import metrics
from api.database import Database
from schema.tables import latest_readings
from urbanclear.logs import get_logger

LOOK_SECONDS: Final = 10.0
NEWEST: Final[Executable] = select(func.max(latest_readings.c.time))

log = get_logger("api")


async def follow(database: Database) -> None:
    """Tell Prometheus of the newest reading's time until cancelled; while the database is away, of the last known."""
    while True:
        try:
            newest = await database.value(NEWEST)
        except SQLAlchemyError as error:
            log.warning("api.newest_reading_unknown", error=str(error).strip(), retry_in_s=LOOK_SECONDS)
        else:
            metrics.NEWEST_READING.set(0 if newest is None else newest.timestamp())
        await asyncio.sleep(LOOK_SECONDS)
