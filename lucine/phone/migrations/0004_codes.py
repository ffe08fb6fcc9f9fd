"""Codes that were asked for wait, sealed, until they are sent: whoever asked has had the answer by then."""

from alembic import op

revision = "phone_0004"
down_revision = "phone_0003"


def upgrade() -> None:
    op.execute("ALTER TABLE phone_code_requests ADD COLUMN asked BYTEA")
    op.execute("CREATE INDEX phone_code_requests_asked ON phone_code_requests (made_at) WHERE asked IS NOT NULL")
