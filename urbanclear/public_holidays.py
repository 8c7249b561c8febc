"""What kind of day it is: the public holidays of the city's region count as Sundays, as that is what their traffic is
like, and a month has too few of them to be a kind of their own.
"""

from collections.abc import Container
from datetime import date, timedelta
from functools import cache
from typing import Final, Literal

import holidays

from urbanclear.errors import ConfigurationError

DayType = Literal["weekday", "saturday", "sunday"]
DAY_TYPES: Final[tuple[DayType, ...]] = ("weekday", "saturday", "sunday")
_SATURDAY, _SUNDAY = 5, 6


def day_type(day: date, public: Container[date]) -> DayType:
    """Of a day, where `public` holds the public holidays."""
    if day.weekday() == _SUNDAY or day in public:
        return "sunday"
    return "saturday" if day.weekday() == _SATURDAY else "weekday"


@cache
def public_holidays(region: str) -> holidays.HolidayBase:
    """Of a country by ISO 3166, or of one with its part as in US-NY. Raises `ConfigurationError`."""
    country, _, part = region.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        raise ConfigurationError(
            f"There are no public holidays known of {region!r}: set URBANCLEAR_HOLIDAYS to a country by ISO 3166, "
            f"with or without its part, as in US-NY or DE."
        ) from None


def holidays_between(region: str, first: date, last: date) -> list[date]:
    """Those from `first` to `last`, both included."""
    known, days = public_holidays(region), (last - first).days + 1
    return [day for day in (first + timedelta(days=number) for number in range(days)) if day in known]
