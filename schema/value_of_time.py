"""What an hour lost in traffic is worth where an agency says nothing else: US DOT, Benefit-Cost Analysis Guidance for
Discretionary Grant Programs, May 2025.
"""

from typing import Final

GUIDANCE: Final = "US DOT, Benefit-Cost Analysis Guidance, May 2025"

VALUE_OF_TIME: Final = 21.10
"""US dollars of 2023 per person and hour, all purposes; table A-2."""

VEHICLE_OCCUPANCY: Final = 1.52
"""People in a passenger vehicle, all travel; table A-3."""

CURRENCY: Final = "USD"
