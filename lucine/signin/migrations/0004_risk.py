"""The risk of a completed sign-in, and what was asked for it."""

from alembic import op

revision = "signin_0004"
down_revision = "signin_0003"


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


# Of a start: the ask that was approved before one more proof was asked, and whose sign-in was held.
TABLES = """
ALTER TABLE signin_sessions ADD COLUMN risk DOUBLE PRECISION;
ALTER TABLE signin_sessions ADD COLUMN reasons TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_sessions ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_starts ADD COLUMN first_ask TEXT;
ALTER TABLE signin_starts ADD COLUMN reasons TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_starts ADD COLUMN held TEXT;
CREATE INDEX signin_starts_first_ask ON signin_starts (first_ask) WHERE first_ask IS NOT NULL;
CREATE INDEX signin_starts_held ON signin_starts (held, finished_at) WHERE held IS NOT NULL
"""
