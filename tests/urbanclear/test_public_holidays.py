"""Public holidays of a region."""

from datetime import date

import pytest

from urbanclear.errors import ConfigurationError
from urbanclear.public_holidays import holidays_between, public_holidays


def test_holidays_are_those_of_the_region_with_both_ends() -> None:
    assert holidays_between("US-NY", date(2026, 11, 26), date(2026, 12, 25)) == [
        date(2026, 11, 26),
        date(2026, 12, 25),
    ]
    assert holidays_between("DE", date(2026, 11, 1), date(2026, 12, 24)) == []


@pytest.mark.parametrize("region", ["Atlantis", "US-XX", ""])
def test_a_region_that_nobody_knows_is_a_sentence(region: str) -> None:
    with pytest.raises(ConfigurationError, match="no public holidays known of"):
        public_holidays(region)
