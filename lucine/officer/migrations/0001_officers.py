"""Security officers: who they are, their passkeys, the invitations that let them make one, their sessions."""

from alembic import op

revision = "officer_0001"
down_revision = None
branch_labels = ("officer",)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)


TABLES = """
CREATE TABLE officer_people (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, mail BYTEA NOT NULL, added_at DOUBLE PRECISION NOT NULL,
    told_until DOUBLE PRECISION NOT NULL, removed_at DOUBLE PRECISION);

CREATE TABLE officer_invitations (
    digest BYTEA PRIMARY KEY, officer TEXT NOT NULL, expires_at DOUBLE PRECISION NOT NULL);
CREATE INDEX officer_invitations_expires ON officer_invitations (expires_at);

CREATE TABLE officer_passkeys (
    webauthn_id TEXT PRIMARY KEY, officer TEXT NOT NULL, public_key BYTEA NOT NULL, sign_count BIGINT NOT NULL,
    backed_up INTEGER NOT NULL, made_at DOUBLE PRECISION NOT NULL, used_at DOUBLE PRECISION);

CREATE TABLE officer_sessions (
    id TEXT PRIMARY KEY, officer TEXT NOT NULL, cookie BYTEA, challenge BYTEA NOT NULL UNIQUE,
    opened_at DOUBLE PRECISION NOT NULL, seen_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION, why TEXT);
CREATE UNIQUE INDEX officer_sessions_cookie ON officer_sessions (cookie);
CREATE INDEX officer_sessions_officer ON officer_sessions (officer) WHERE ended_at IS NULL;
CREATE INDEX officer_sessions_opened ON officer_sessions (opened_at)
"""
