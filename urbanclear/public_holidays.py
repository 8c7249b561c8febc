"""The public holidays of the city's region, which count as Sundays: that is what their traffic is like."""

from datetime import date, timedelta
from functools import cache

import holidays

from urbanclear.errors import ConfigurationError


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
