"""What the watch asks of a start and of a CIBA request: from where, about whom, and whether it was told."""

from alembic import op

revision = "signin_0002"
down_revision = "signin_0001"


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


TABLES = """
ALTER TABLE signin_starts ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_starts ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_starts ADD COLUMN expires_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE signin_starts ADD COLUMN noted_at DOUBLE PRECISION;
UPDATE signin_starts SET noted_at = opened_at;
CREATE INDEX signin_starts_unnoted ON signin_starts (expires_at) WHERE noted_at IS NULL;
CREATE INDEX signin_starts_over ON signin_starts (finished_at) WHERE noted_at IS NULL AND finished_at IS NOT NULL;
ALTER TABLE signin_ciba ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_ciba ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE signin_ciba ADD COLUMN bonded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signin_ciba ADD COLUMN noted_at DOUBLE PRECISION;
UPDATE signin_ciba SET noted_at = made_at;
CREATE INDEX signin_ciba_unnoted ON signin_ciba (expires_at) WHERE noted_at IS NULL;
CREATE INDEX signin_ciba_over ON signin_ciba (spent_at) WHERE noted_at IS NULL AND spent_at IS NOT NULL
"""
