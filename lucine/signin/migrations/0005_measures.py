"""The proof of work that a start owes, while a measure asks for it."""

from alembic import op

revision = "signin_0005"
down_revision = "signin_0004"


def upgrade() -> None:
    op.execute("ALTER TABLE signin_starts ADD COLUMN work BYTEA")
