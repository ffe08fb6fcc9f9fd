"""Known browsers, and tries of a number by unknown ones."""

from alembic import op

revision = "watch_0001"
down_revision = None
branch_labels = ("watch",)


def upgrade() -> None:
    op.execute("""
        CREATE TABLE watch_browsers (
            id TEXT PRIMARY KEY, holder TEXT NOT NULL, name TEXT NOT NULL, public_key TEXT NOT NULL,
            secret BYTEA NOT NULL, next_secret BYTEA, paired_at DOUBLE PRECISION NOT NULL,
            seen_at DOUBLE PRECISION NOT NULL, forgotten_at DOUBLE PRECISION, why TEXT)""")
    op.execute("CREATE INDEX watch_browsers_holder ON watch_browsers (holder)")
    op.execute("""
        CREATE TABLE watch_tries (
            number BYTEA NOT NULL, hour BIGINT NOT NULL, client TEXT NOT NULL, channel TEXT NOT NULL,
            tries BIGINT NOT NULL, last_at DOUBLE PRECISION NOT NULL, prefix TEXT NOT NULL,
            PRIMARY KEY (number, hour, client, channel))""")
    op.execute("CREATE INDEX watch_tries_hour ON watch_tries (hour)")
