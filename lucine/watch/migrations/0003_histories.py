"""What is remembered of a person's sign-ins, to tell an odd one (watch/histories.py)."""

from alembic import op

revision = "watch_0003"
down_revision = "watch_0002"


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


TABLES = """
CREATE TABLE watch_histories (
    session TEXT NOT NULL, holder TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, prefix TEXT NOT NULL,
    network TEXT NOT NULL, country TEXT NOT NULL, browser TEXT NOT NULL, system TEXT NOT NULL, client TEXT NOT NULL,
    hour INTEGER NOT NULL, method TEXT NOT NULL, known INTEGER NOT NULL, counted_at DOUBLE PRECISION,
    PRIMARY KEY (session, at));
CREATE INDEX watch_histories_holder ON watch_histories (holder, at);
CREATE INDEX watch_histories_at ON watch_histories (at);
CREATE INDEX watch_histories_uncounted ON watch_histories (at) WHERE counted_at IS NULL;

CREATE TABLE watch_traits (
    trait TEXT PRIMARY KEY, sign_ins BIGINT NOT NULL);
CREATE INDEX watch_traits_gone ON watch_traits (sign_ins) WHERE sign_ins <= 0
"""
