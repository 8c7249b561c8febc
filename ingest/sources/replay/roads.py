"""Reads road and direction out of New York's link names, such as `BQE N ATLANTIC AVENUE - LEONARD STREET`."""

import re
from typing import Final

_ROAD_AND_DIRECTION: Final = re.compile(r"(?P<road>.+?) (?P<direction>[NESW])B?\b(?!\.)", re.IGNORECASE)

_FULL_NAMES: Final = {
    "440": "NY-440",
    "BBT": "Brooklyn-Battery Tunnel",
    "BE": "Bruckner Expressway",
    "BELT PKWY": "Belt Parkway",
    "BKN BRIDGE": "Brooklyn Bridge",
    "BQE": "Brooklyn-Queens Expressway",
    "BRP": "Bronx River Parkway",
    "BWB": "Bronx-Whitestone Bridge",
    "CBE": "Cross Bronx Expressway",
    "CIP": "Cross Island Parkway",
    "CVE": "Clearview Expressway",
    "FDR": "FDR Drive",
    "GOW": "Gowanus Expressway",
    "GWB": "George Washington Bridge",
    "HRP": "Hutchinson River Parkway",
    "I-87 NYST": "New York State Thruway",
    "LAURELTON PKWY": "Laurelton Parkway",
    "LIE": "Long Island Expressway",
    "MDE": "Major Deegan Expressway",
    "MLK": "Martin Luther King Jr. Expressway",
    "QMT": "Queens-Midtown Tunnel",
    "ROUTE 169": "Route 169",
    "SIE": "Staten Island Expressway",
    "TBB": "Robert F. Kennedy Bridge",
    "TNB": "Throgs Neck Bridge",
    "VNB": "Verrazzano-Narrows Bridge",
    "VWE": "Van Wyck Expressway",
    "WEST ST": "West Street",
    "WESTSIDE HWY": "West Side Highway",
    "WHITESTONE EXPWY": "Whitestone Expressway",
    "WSE": "West Shore Expressway",
}


def road_and_direction(link_name: str) -> tuple[str | None, str | None]:
    """The road in full where it is known, else as the name has it, and N, E, S or W."""
    start = re.split(r" - |-(?=[A-Z]{3} )|@", " ".join(link_name.split()))[0].strip()
    match = _ROAD_AND_DIRECTION.match(start)
    if match:
        return _in_full(match["road"]), match["direction"].upper()
    first = start.split(" ")[0]
    road = _in_full(first) if first.upper() in _FULL_NAMES else _in_full(start)
    return road or None, None


def _in_full(road: str) -> str:
    known = _FULL_NAMES.get(road.upper())
    return known or " ".join(word.capitalize() if word[:1].isalpha() else word.lower() for word in road.split())
