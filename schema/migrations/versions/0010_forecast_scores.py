"""How well forecasts came true: scores by the hour, and which hours have predictions that are not scored yet.

Triggers note the hours that a write to `predictions` touches, with transition tables, which hypertables have as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_HOUR = "date_bin('1 hour', time - interval '5 minutes', timestamptz 'epoch')"
_NOTE = f"""
    CREATE FUNCTION measures.note_forecasts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO measures.forecast_changes SELECT DISTINCT {_HOUR} FROM changed;
        RETURN NULL;
    END $$
"""
_EXISTING = f"INSERT INTO measures.forecast_changes SELECT DISTINCT {_HOUR} FROM predictions"
_SENSOR = sa.Column("sensor_id", sa.Integer(), autoincrement=False, nullable=False, comment="sensors.id")


def upgrade() -> None:
    op.create_table(
        "forecast_changes",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        schema="measures",
        comment="Hours whose predictions were written, to be scored",
    )
    op.create_table(
        "forecast_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "changed", sa.Boolean(), nullable=False, comment="whether predictions were written since it was scored"
        ),
        sa.Column("readings", sa.BigInteger(), comment="in it and the two before, when it was scored"),
        sa.Column("good", sa.BigInteger(), comment="of those, the good ones"),
        sa.Column("scored_at", sa.DateTime(timezone=True), comment="NULL where it has never been scored"),
        sa.PrimaryKeyConstraint("hour", name="forecast_hours_pkey"),
        schema="measures",
        comment="Hours that predictions are for, and what they were scored from",
    )
    _create_scores("forecast_scores", "How well each sensor's forecasts came true, by hour", _SENSOR)
    _create_scores("forecast_totals", "How well forecasts came true, by hour; kept for ever")
    op.execute(_NOTE)
    op.execute(_EXISTING)
    for event in ("insert", "update", "delete"):
        op.execute(
            f"""
            CREATE TRIGGER forecasts_by_{event} AFTER {event} ON predictions
            REFERENCING {"OLD" if event == "delete" else "NEW"} TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION measures.note_forecasts()
            """
        )


def _create_scores(name: str, comment: str, *subject: sa.Column[int]) -> None:
    op.create_table(
        name,
        sa.Column(
            "hour",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="in which the 5 minutes began that were predicted, UTC",
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="what made the predictions, as predictions.model"),
        sa.Column("horizon_minutes", sa.Integer(), autoincrement=False, nullable=False, comment="minutes ahead"),
        *subject,
        sa.Column("day", sa.Date(), nullable=False, comment="the city's, on which the hour began"),
        _count("predictions", "of times that were measured"),
        _sum("abs_error", "sum of absolute errors, km/h"),
        _sum("sq_error", "sum of squared errors"),
        _count("relative", "predictions whose measured speed is not 0"),
        _sum("relative_error", "of those, sum of absolute error / measured speed"),
        _count("persistence", "predictions whose last speed was known"),
        _sum("persistence_error", "of those, sum of the last speed's errors"),
        _sum("paired_error", "of those, sum of the predictions' errors"),
        _count("profile", "predictions whose normal speed is known"),
        _sum("profile_error", "of those, sum of the normal speed's errors"),
        _count("intervals", "predictions with an interval"),
        _count("inside", "of those, measured inside of it"),
        _sum("width", "sum of the intervals' widths, km/h"),
        sa.PrimaryKeyConstraint(
            "hour", "model", "horizon_minutes", *(column.name for column in subject), name=f"{name}_pkey"
        ),
        schema="measures",
        comment=comment,
    )


def _count(name: str, comment: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=False, comment=comment)


def _sum(name: str, comment: str) -> "sa.Column[float]":
    return sa.Column(name, sa.Double(), nullable=False, comment=comment)
