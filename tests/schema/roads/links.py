"""Links between places at the equator's zero, where a degree is as wide as it is high."""

from schema.roads.lines import Line, Position
from schema.roads.network import Link
from tests.schema.city import METRES_PER_DEGREE

KM = 1000 / METRES_PER_DEGREE


def link_between(number: int, *places: Position) -> Link:
    line = Line(places)
    return Link(number, f"t:{number}", str(number), line, line.length_m)
