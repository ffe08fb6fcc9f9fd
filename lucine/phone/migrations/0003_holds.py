"""What stands still during an incident: credentials that are frozen, enrolments that are held."""

from alembic import op

revision = "phone_0003"
down_revision = "phone_0002"


def upgrade() -> None:
    op.execute("ALTER TABLE phone_credentials ADD COLUMN frozen_at DOUBLE PRECISION")
    op.execute("ALTER TABLE phone_holders ADD COLUMN held_at DOUBLE PRECISION")
