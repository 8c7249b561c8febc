"""The views that everyone reads: made anew at each upgrade, since nothing is stored in them.

The rollups' are built from `schema.rollups`; each of the others is a file of this folder named after it, with the
comments on itself and its columns. Files are run in the order of their numbers.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.schema import SetColumnComment

from schema.los import LEAST_RATIO
from schema.rollups import COLUMNS, DAY, FIVE_MINUTES, HOUR, MEASURES, ROLLUPS, Rollup
from schema.tables import metadata

LEAST_SPEED_KMH: Final = 1.6
"""What a standstill counts as where time is length over speed: 1 mph, below which probe data do not go either."""

_MOVING = f"""
    CREATE OR REPLACE FUNCTION measures.moving_kmh(speed_kmh double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN speed_kmh < {LEAST_SPEED_KMH} THEN {LEAST_SPEED_KMH} ELSE speed_kmh END
"""
_HOURS_LOST = """
    CREATE OR REPLACE FUNCTION measures.hours_lost(
        length_m double precision, speed_kmh double precision, reference_kmh double precision
    ) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN speed_kmh < reference_kmh
        THEN length_m / 1000 * (1 / measures.moving_kmh(speed_kmh) - 1 / reference_kmh)
        WHEN speed_kmh >= reference_kmh THEN length_m * 0 END;
    COMMENT ON FUNCTION measures.hours_lost IS 'Hours a vehicle loses against the reference speed; NULL if unknown'
"""
#: A feed may change how often it sends, or its history be coarser: it is then as complete as it was.
_REPORTED_SHARE = """
    CREATE OR REPLACE FUNCTION reported_share(readings double precision, stretches bigint, per_hour double precision)
    RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN greatest(readings, per_hour) >= 24 THEN least(1, stretches / 12.0)
        WHEN per_hour > 0 THEN least(1, readings / per_hour) END;
    COMMENT ON FUNCTION reported_share IS 'Of an hour of a sensor, 0 to 1: of its 12 stretches of 5 minutes, those '
        'with readings, if there are or should be at least 24 readings; else readings / those expected'
"""


def replace_views(connection: Connection) -> None:
    """Create every view, or put the newest definition in the place of the one that is there; explain all columns."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.comment is not None:
                connection.execute(SetColumnComment(column))
    for statement in statements():
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def statements() -> Iterator[str]:
    """The SQL of all views, in the order in which they build on one another."""
    yield from (_level_of_service(), _MOVING, _HOURS_LOST, _REPORTED_SHARE)
    for rollup in ROLLUPS:
        yield _rollup_view(rollup)
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield file.read_text()


def _level_of_service() -> str:
    classes = " ".join(f"WHEN ratio > {least} THEN '{level}'" for level, least in LEAST_RATIO)
    return f"""
        CREATE OR REPLACE FUNCTION level_of_service(ratio double precision) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE {classes} WHEN ratio >= 0 THEN 'F' END;
        COMMENT ON FUNCTION level_of_service IS 'Level of service of speed / free-flow speed; HCM 2010, exhibit 16-4'
    """


def _rollup_view(rollup: Rollup) -> str:
    means = ", ".join(f"{name}_sum / nullif({name}_count, 0) AS {name}" for name in MEASURES)
    columns = ", ".join(column.name for column in COLUMNS)
    comments = {
        rollup.key: "sensors.id" if rollup.key == "sensor_id" else "sensors.area",
        "time": "start of the bucket, UTC",
        **{name: f"mean of the good readings: {name}_sum / {name}_count" for name in MEASURES},
        **{column.name: column.comment for column in COLUMNS},
    }
    width = {FIVE_MINUTES: "5 minutes", HOUR: "an hour", DAY: "a UTC day"}[rollup.width]
    subject = "sensor" if rollup.key == "sensor_id" else "area"
    return f"""
        CREATE OR REPLACE VIEW {rollup.name} AS
        SELECT {rollup.key}, time, {means}, {columns} FROM rollup.{rollup.name};
        COMMENT ON VIEW {rollup.name} IS 'Readings of each {subject} in {width}, the newest included';
    """ + "".join(f"COMMENT ON COLUMN {rollup.name}.{name} IS '{text}';" for name, text in comments.items())
