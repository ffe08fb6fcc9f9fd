"""Codes that were asked for wait, sealed, until they are sent; and how often a typed code was armed is counted."""

from alembic import op

revision = "phone_0004"
down_revision = "phone_0003"


def upgrade() -> None:
    op.execute("ALTER TABLE phone_code_requests ADD COLUMN asked BYTEA")
    op.execute("CREATE INDEX phone_cancels_holder ON phone_cancels (holder, expires_at)")
    op.execute("CREATE INDEX phone_code_requests_asked ON phone_code_requests (made_at) WHERE asked IS NOT NULL")
