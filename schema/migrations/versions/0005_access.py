"""Who may use the API, and what was written through it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False, comment="number of the key"),
        sa.Column("name", sa.Text(), nullable=False, comment="what it is for; of the keys in use only one has it"),
        sa.Column("hint", sa.Text(), nullable=False, comment="the key's beginning, to tell keys apart"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key"),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False, comment="read, report, operate, admin"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
            comment="when it was made, UTC",
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), comment="from when on it is refused; NULL: never"),
        sa.Column(
            "last_used_at",
            sa.DateTime(timezone=True),
            comment="about when it was last used; noted at most once a minute",
        ),
        sa.Column(
            "revoked_at", sa.DateTime(timezone=True), comment="since when it is refused; NULL while it is in use"
        ),
        sa.PrimaryKeyConstraint("id", name="api_keys_pkey"),
        sa.UniqueConstraint("digest", name="api_keys_digest_key"),
        comment="Who may use the API, by key; the keys themselves are nowhere",
    )
    op.create_index(
        "api_keys_name_idx", "api_keys", ["name"], unique=True, postgresql_where=sa.text("revoked_at IS NULL")
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="number of the row"),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False, comment="when it was asked, UTC"),
        sa.Column("key_id", sa.Integer(), comment="api_keys.id; NULL for a token of the identity provider"),
        sa.Column("name", sa.Text(), nullable=False, comment="of the key, or the token's subject"),
        sa.Column("address", sa.Text(), nullable=False, comment="where it was asked from"),
        sa.Column("method", sa.Text(), nullable=False, comment="of HTTP"),
        sa.Column("path", sa.Text(), nullable=False, comment="what it was asked of, without a query"),
        sa.Column("action", sa.Text(), nullable=False, comment="the operation, such as push_readings"),
        sa.Column("subject", sa.Text(), comment="what it was done to, such as an incident's id"),
        sa.Column("status", sa.SmallInteger(), nullable=False, comment="of HTTP"),
        sa.Column("detail", postgresql.JSONB(), comment="counts and the like"),
        sa.PrimaryKeyConstraint("id", name="audit_log_pkey"),
        comment="Every write asked of the API by somebody known, also if refused",
    )
    op.create_index("audit_log_time_idx", "audit_log", ["time"], unique=False)
