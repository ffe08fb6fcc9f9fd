"""Whether she wants a monthly digest, and the month in which the last one left."""

from alembic import op

revision = "phone_0002"
down_revision = "phone_0001"


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


# ``digest_month``: such as '2026-11', '' for who wants none.
TABLES = """
ALTER TABLE phone_holders ADD COLUMN digest_month TEXT NOT NULL DEFAULT '';
CREATE INDEX phone_holders_digest ON phone_holders (digest_month) WHERE digest_month <> ''
"""
