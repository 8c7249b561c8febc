"""How far each stream of anomalies has come."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "anomaly_streams",
        sa.Column("query_id", sa.Text(), nullable=False, comment="of the query, as its checkpoint has it"),
        sa.Column("batch_id", sa.BigInteger(), nullable=False, comment="of the newest batch whose effects are here"),
        sa.Column("state", sa.LargeBinary(), nullable=False, comment="what the detector remembered after it"),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when that batch was written, UTC",
        ),
        sa.PrimaryKeyConstraint("query_id", name="anomaly_streams_pkey"),
        comment="How far each stream of anomalies has come",
    )
