"""A picture of the clusters: a panel each, with its mean week, and that of its most typical sensor and its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from psycopg.rows import class_row

from spark.calendar import HOURS_OF_WEEK
from spark.report.charts import BEFORE, HEIGHT_IN, NOW, WIDTH_IN, house_style
from urbanclear.errors import ConfigurationError

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ACCENT: Final = "#b35806"
DOTS_PER_INCH: Final = 130
#: Without the time at which it was made, so that the same clusters make the same file.
_METADATA: Final = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}
_CLUSTERS: Final = """
    SELECT shapes.name, shapes.sensors, shapes.profile AS week,
           medoids.external_id AS medoid, medoids.name AS medoid_name, typical.profile AS medoid_week
    FROM cluster_shapes AS shapes
    JOIN sensors AS medoids ON medoids.id = shapes.medoid_sensor_id
    JOIN sensor_clusters AS typical ON typical.sensor_id = shapes.medoid_sensor_id
    ORDER BY shapes.cluster
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster and its most typical sensor, the medoid; weeks are 168 hourly shares of the highest speed."""

    name: str
    sensors: int
    week: list[float]
    medoid: str
    medoid_name: str
    medoid_week: list[float]


def require_form(file: Path) -> None:
    """Raises `ConfigurationError` where pictures are not written in the form that the file's name ends with."""
    if file.suffix not in _METADATA:
        raise ConfigurationError(f"{file} is no picture: let its name end with {', '.join(_METADATA)}.")


def draw(database_url: str, file: Path) -> None:
    """Write the picture of the clusters that are stored; raises as `require_form` does, or where it cannot."""
    require_form(file)
    with psycopg.connect(database_url) as connection, connection.cursor(row_factory=class_row(Cluster)) as cursor:
        clusters = cursor.execute(_CLUSTERS).fetchall()
    try:
        _write(clusters, file)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written ({error.strerror}): say another --picture.") from error


def _write(clusters: Sequence[Cluster], file: Path) -> None:
    columns = 1 if len(clusters) == 1 else 2
    rows = -(-len(clusters) // columns)
    with house_style():
        figure = Figure(figsize=(columns * WIDTH_IN, rows * HEIGHT_IN + 0.3), layout="constrained")
        for number, cluster in enumerate(clusters, 1):
            _draw_panel(figure.add_subplot(rows, columns, number), cluster)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
        figure.savefig(file, dpi=DOTS_PER_INCH, metadata={"Title": _in_words(clusters), _METADATA[file.suffix]: None})


def _draw_panel(axes: Axes, cluster: Cluster) -> None:
    hours = range(HOURS_OF_WEEK)
    mean, medoid = ([share * 100 for share in week] for week in (cluster.week, cluster.medoid_week))
    axes.plot(hours, mean, color=NOW, linewidth=1.4, label="mean of the cluster, % of the highest speed")
    axes.plot(hours, medoid, color=ACCENT, linewidth=0.7, linestyle="--", label="its most typical sensor")
    axes.set_title(f"{_entitled(cluster)}\n{cluster.medoid_name}", loc="left", fontsize=7)
    axes.set_xticks([24 * day + 12 for day in range(7)], DAYS)
    axes.tick_params(axis="x", length=0)
    for midnight in range(24, HOURS_OF_WEEK, 24):
        axes.axvline(midnight, color=BEFORE, linewidth=0.4, zorder=0)
    axes.set_xlim(0, HOURS_OF_WEEK)
    axes.set_ylim(0, 105)
    axes.spines[["top", "right"]].set_visible(False)


def _entitled(cluster: Cluster) -> str:
    return f"{cluster.name}: {cluster.sensors:,} {'sensor' if cluster.sensors == 1 else 'sensors'}"


def _in_words(clusters: Sequence[Cluster]) -> str:
    """For those who do not see it."""
    told = (f"{_entitled(one)}, such as {one.medoid_name} ({one.medoid})" for one in clusters)
    return f"Mean weeks of {len(clusters)} clusters. {'; '.join(told)}."
