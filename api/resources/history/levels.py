"""Which level of detail a span is answered from: as fine as can be read at a glance and is still kept."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from api.http.problems import bad_parameter
from api.http.times import Span
from urbanclear.settings import Settings


class Level(StrEnum):
    """Readings as they came, or means over 5 minutes, an hour, a UTC day."""

    RAW = "raw"
    FIVE_MINUTES = "5m"
    HOUR = "1h"
    DAY = "1d"


#: The longest span that each level is picked for: some hundreds of points, as many as a chart has pixels for.
LONGEST: Final = (
    (Level.RAW, timedelta(hours=3)),
    (Level.FIVE_MINUTES, timedelta(days=3)),
    (Level.HOUR, timedelta(days=62)),
)


def level_for(span: Span, settings: Settings, asked: str = "auto", finest: Level = Level.RAW) -> Level:
    """The level asked for; with `auto` the finest that suits the span's length and is kept for all of it.

    Raises the problem of a level that is not there.
    """
    if asked != "auto":
        return _named(asked, finest)
    levels = list(Level)
    for level, longest in LONGEST:
        if levels.index(level) >= levels.index(finest) and span.length <= longest and _is_kept(level, span, settings):
            return level
    return Level.DAY


def _named(asked: str, finest: Level) -> Level:
    offered = [level.value for level in list(Level)[list(Level).index(finest) :]]
    if asked not in offered:
        raise bad_parameter("level", f"there is no {asked[:50]!r}; there are auto, {', '.join(offered)}")
    return Level(asked)


def _is_kept(level: Level, span: Span, settings: Settings) -> bool:
    kept = {Level.RAW: settings.readings_retention, Level.FIVE_MINUTES: settings.rollups_5m_retention}.get(level)
    return kept is None or span.start >= datetime.now(UTC) - kept
