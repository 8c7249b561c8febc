"""The role of those who only read: `urbanclear_analyst`, with a limit to how long a query may run.

It may log in once a password is set (`URBANCLEAR_ANALYST_PASSWORD`) and may read what analysts need, named here.
"""

from typing import Final

from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection

from schema.rollups import ROLLUPS
from urbanclear.errors import StartError
from urbanclear.settings import Settings

ROLE: Final = "urbanclear_analyst"
#: In the folder of an embedded stack, which makes up the role's password.
PASSWORD_FILE: Final = "analyst.password"  # noqa: S105
TABLES: Final = (
    "sensors",
    "readings",
    "weather",
    "incidents",
    "incident_updates",
    "calendar",
    "spark_runs",
    "profiles",
    "seasonality",
    "sensor_clusters",
    "cluster_shapes",
    "anomalies",
    "insights",
    "maintenance",
    "predictions",
    "forecast_models",
    "alerts",
    "alert_events",
)
VIEWS: Final = (
    "current_conditions",
    "congestion_scan",
    "corridor_travel_times",
    "reliability_daily",
    "delay_daily",
    "bottlenecks",
    "incident_impact",
    "sensor_health",
    "forecast_skill",
    "forecast_skill_by_sensor",
    "alert_rules",
)

_CREATE = """
    DO $$ BEGIN
        CREATE ROLE urbanclear_analyst NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
"""
_EXISTS = "SELECT FROM pg_roles WHERE rolname = 'urbanclear_analyst'"


def readable() -> list[str]:
    """The relations that analysts may read."""
    return [*TABLES, *(rollup.name for rollup in ROLLUPS), *VIEWS]


def grant_reading(connection: Connection, settings: Settings) -> None:
    """Make the role where there is none, and let it read; raises `StartError` when that is not allowed.

    The role belongs to the server, its limits to this database.
    """
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101
    try:
        with raw.cursor() as cursor:
            if cursor.execute(_EXISTS).fetchone() is None:
                cursor.execute(_CREATE)
            for statement in _statements(raw.info.dbname, settings):
                cursor.execute(statement)
    except InsufficientPrivilege as error:
        raise StartError(
            f"The role {raw.info.user} may not set up {ROLE} ({error.diag.message_primary}): have an administrator "
            f"run `ALTER ROLE {raw.info.user} CREATEROLE` and `GRANT {ROLE} TO {raw.info.user} WITH ADMIN OPTION`."
        ) from error


def _statements(database: str, settings: Settings) -> list[sql.Composed]:
    role, place = sql.Identifier(ROLE), sql.Identifier(database)
    milliseconds = sql.Literal(str(int(settings.analyst_timeout.total_seconds() * 1000)))
    relations = sql.SQL(", ").join(map(sql.Identifier, readable()))
    limits = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}")
    statements = [
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(place, role),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role),
        sql.SQL("GRANT SELECT ON {} TO {}").format(relations, role),
        sql.SQL("GRANT {} TO CURRENT_USER").format(role),  # alerting asks analysts' queries as this role
        limits.format(role, place, sql.SQL("statement_timeout"), milliseconds),
        limits.format(role, place, sql.SQL("default_transaction_read_only"), sql.Literal("on")),
    ]
    if settings.analyst_password is not None:
        password = sql.Literal(settings.analyst_password.get_secret_value())
        statements.append(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, password))
    return statements
