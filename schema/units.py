"""Factors between the units feeds use and the ones stored here, each in this one place."""

from typing import Final

KMH_PER_MPH: Final = 1.609344
"""Exact: the international mile is 1,609.344 m (international yard and pound agreement, 1959)."""
