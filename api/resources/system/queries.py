"""What is asked of the running parts."""

from typing import Final

from sqlalchemy import func, select

from schema.tables import heartbeats

HEARTBEAT_AGES: Final = select(
    heartbeats.c.part, func.extract("epoch", func.now() - func.max(heartbeats.c.time)).label("age_s")
).group_by(heartbeats.c.part)
