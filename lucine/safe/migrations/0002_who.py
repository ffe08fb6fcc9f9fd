"""One person's lines are found without reading everybody's: an incident shows them."""

from alembic import op

revision = "safe_0002"
down_revision = "safe_0001"


def upgrade() -> None:
    op.execute("CREATE INDEX safe_ledger_who ON safe_ledger (who, seq)")
