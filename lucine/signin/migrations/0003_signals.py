"""Shared signals: streams of receivers and the events that wait for them (signin/ssf_*.py)."""

from alembic import op

revision = "signin_0003"
down_revision = "signin_0002"


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


TABLES = """
CREATE TABLE signin_streams (
    id TEXT PRIMARY KEY, client TEXT NOT NULL UNIQUE, requested TEXT NOT NULL, description TEXT NOT NULL,
    push BYTEA, status TEXT NOT NULL, reason TEXT NOT NULL, made_at DOUBLE PRECISION NOT NULL,
    verified_at DOUBLE PRECISION, claimed_until DOUBLE PRECISION NOT NULL, tried_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL, tries INTEGER NOT NULL);
CREATE INDEX signin_streams_pushed ON signin_streams (claimed_until) WHERE push IS NOT NULL AND status = 'enabled';

CREATE TABLE signin_unheard (
    stream TEXT NOT NULL, subject BYTEA NOT NULL, PRIMARY KEY (stream, subject));

CREATE TABLE signin_signals (
    id TEXT PRIMARY KEY, stream TEXT NOT NULL, sealed BYTEA, made_at DOUBLE PRECISION NOT NULL,
    done_at DOUBLE PRECISION, outcome TEXT);
CREATE INDEX signin_signals_waiting ON signin_signals (stream, made_at, id) WHERE done_at IS NULL;
CREATE INDEX signin_signals_old ON signin_signals (made_at) WHERE done_at IS NULL;
CREATE INDEX signin_signals_done ON signin_signals (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE signin_ledger_read (id INTEGER PRIMARY KEY, seq BIGINT NOT NULL);
INSERT INTO signin_ledger_read (id, seq) VALUES (1, 0)
"""
