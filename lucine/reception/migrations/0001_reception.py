"""Sign-ins under way, sessions, and what must not come again, of the care wing's fronts."""

from alembic import op

revision = "reception_0001"
down_revision = None
branch_labels = ("reception",)


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reception_starts (
            state BYTEA PRIMARY KEY, front TEXT NOT NULL, browser BYTEA NOT NULL, sealed BYTEA NOT NULL,
            expires_at DOUBLE PRECISION NOT NULL, spent_at DOUBLE PRECISION)""")
    op.execute("CREATE INDEX reception_starts_expires_at ON reception_starts (expires_at)")
    op.execute("""
        CREATE TABLE reception_sessions (
            cookie BYTEA PRIMARY KEY, front TEXT NOT NULL, subject BYTEA NOT NULL, sid BYTEA,
            sealed BYTEA NOT NULL, began_at DOUBLE PRECISION NOT NULL, seen_at DOUBLE PRECISION NOT NULL,
            expires_at DOUBLE PRECISION NOT NULL)""")
    op.execute("CREATE INDEX reception_sessions_sid ON reception_sessions (front, sid)")
    op.execute("CREATE INDEX reception_sessions_subject ON reception_sessions (front, subject)")
    op.execute("CREATE INDEX reception_sessions_expires_at ON reception_sessions (expires_at)")
    op.execute("CREATE INDEX reception_sessions_seen_at ON reception_sessions (seen_at)")
    op.execute("""
        CREATE TABLE reception_spent (
            mark BYTEA PRIMARY KEY, spent_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION NOT NULL)""")
    op.execute("CREATE INDEX reception_spent_expires_at ON reception_spent (expires_at)")
