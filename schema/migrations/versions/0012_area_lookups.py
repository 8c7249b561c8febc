"""The areas' newest 5 minutes on plain PostgreSQL: looked up in what is kept of sensors, which was read whole."""

from alembic import op

from schema.ddl import fresh
from schema.dialect import PLAIN
from schema.rollups import FIVE_MINUTES, ROLLUPS

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != PLAIN:
        return
    for rollup in ROLLUPS:
        if rollup.regroups and rollup.width == FIVE_MINUTES:
            op.execute(f"CREATE OR REPLACE VIEW rollup.{rollup.name}_fresh AS {fresh(rollup)}")
