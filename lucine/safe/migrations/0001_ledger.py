"""The ledger and its head."""

from alembic import op

revision = "safe_0001"
down_revision = None
branch_labels = ("safe",)


def upgrade() -> None:
    op.execute("""
        CREATE TABLE safe_ledger (
            seq BIGINT PRIMARY KEY, at DOUBLE PRECISION NOT NULL, act TEXT NOT NULL,
            who TEXT NOT NULL, facts TEXT NOT NULL, mark BYTEA NOT NULL)""")
    op.execute("""
        CREATE TABLE safe_ledger_head (
            id INTEGER PRIMARY KEY, seq BIGINT NOT NULL, mark BYTEA, proof BYTEA)""")
    op.execute("INSERT INTO safe_ledger_head (id, seq) VALUES (1, 0)")
