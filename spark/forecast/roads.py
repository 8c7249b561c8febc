"""Which sensors are near one another on the roads: up- or downstream over few links, as ways are found over them."""

from collections.abc import Sequence
from typing import Final

import networkx as nx
import numpy as np

from schema.roads.lines import line_of
from schema.roads.network import Link, Network
from spark.forecast.frame import Bools
from spark.spans import answering

FEW_LINKS: Final = 3
"""Of the way from one sensor to another that is near."""

_LINKS: Final = """
    SELECT id, external_id, name, geometry FROM sensors
    WHERE kind = 'link' AND geometry ->> 'type' = 'LineString'
    ORDER BY id
"""


def near_on_roads(database_url: str, sensors: Sequence[str]) -> Bools:
    """[sensors, sensors]: whether one drives from one to the other, in either direction, within `FEW_LINKS`.

    The way may lead over links that are not among `sensors`. No sensor is near itself, and one that is no link, as
    detectors are, near nobody.
    """
    with answering(database_url) as connection:
        rows = connection.execute(_LINKS).fetchall()
    links = [
        Link(number, sensor, name, line, line.length_m)
        for number, sensor, name, geometry in rows
        if (line := line_of(geometry)) is not None
    ]
    turns = Network(links).turns
    column = {sensor: number for number, sensor in enumerate(sensors)}
    columns = {number: column[link.sensor] for number, link in enumerate(links) if link.sensor in column}
    near = np.zeros((len(sensors), len(sensors)), bool)
    for link, own in columns.items():
        reached = nx.single_source_shortest_path_length(turns, link, cutoff=FEW_LINKS)
        near[own, [columns[other] for other in reached.keys() & columns.keys() - {link}]] = True
    return near | near.T
