"""The models that forecast, of which one is in place."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forecast_models",
        sa.Column("name", sa.Text(), nullable=False, comment="as predictions.model has it"),
        sa.Column(
            "state",
            sa.Text(),
            server_default="candidate",
            nullable=False,
            comment="candidate, in_place, former (a rollback brings it back) or rolled_back",
        ),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False, comment="when it was made, UTC"),
        sa.Column("data_from", sa.DateTime(timezone=True), nullable=False, comment="of the readings it is from"),
        sa.Column("data_to", sa.DateTime(timezone=True), nullable=False, comment="just after the last of them"),
        sa.Column("code_version", sa.Text(), nullable=False, comment="of Urbanclear"),
        sa.Column("seed", sa.BigInteger(), nullable=False, comment="of what was drawn at random"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of its file, in hexadecimal"),
        sa.Column("path", sa.Text(), nullable=False, comment="of its file, in the folder of models"),
        sa.Column(
            "metrics",
            postgresql.JSONB(),
            nullable=False,
            comment="how good it was when it was made; held_out: its scores on weeks it was not made from",
        ),
        sa.Column("promoted_at", sa.DateTime(timezone=True), comment="when it was last put in place, UTC"),
        sa.Column("evidence", postgresql.JSONB(), comment="why it was put in place: two scores on the same week"),
        sa.CheckConstraint(
            "state IN ('candidate', 'in_place', 'former', 'rolled_back')", name="forecast_models_state_check"
        ),
        sa.PrimaryKeyConstraint("name", name="forecast_models_pkey"),
        comment="The models that forecast, each with where it is from; at most one is in place",
    )
    op.create_index(
        "forecast_models_in_place_idx",
        "forecast_models",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'in_place'"),
    )
