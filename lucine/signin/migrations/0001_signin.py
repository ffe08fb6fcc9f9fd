"""Clients, signing keys, starts, sessions, grants and what waits to be delivered."""

from alembic import op

revision = "signin_0001"
down_revision = None
branch_labels = ("signin",)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


TABLES = """
CREATE TABLE signin_clients (
    id TEXT PRIMARY KEY, facts TEXT NOT NULL, secret BYTEA, added_at DOUBLE PRECISION NOT NULL,
    removed_at DOUBLE PRECISION);

CREATE TABLE signin_keys (
    kid TEXT PRIMARY KEY, alg TEXT NOT NULL, sealed BYTEA NOT NULL, made_at DOUBLE PRECISION NOT NULL,
    signs_from DOUBLE PRECISION NOT NULL, gone_at DOUBLE PRECISION);

CREATE TABLE signin_pushed (
    digest BYTEA PRIMARY KEY, client TEXT NOT NULL, request TEXT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX signin_pushed_expiry ON signin_pushed (expires_at);

CREATE TABLE signin_starts (
    id TEXT PRIMARY KEY, client TEXT NOT NULL, request TEXT NOT NULL, visit BYTEA NOT NULL, ask TEXT NOT NULL,
    nonce TEXT NOT NULL, browser_key TEXT, browser TEXT, browser_name TEXT NOT NULL, place TEXT NOT NULL,
    opened_at DOUBLE PRECISION NOT NULL, finished_at DOUBLE PRECISION, session TEXT);
CREATE INDEX signin_starts_unfinished ON signin_starts (opened_at) WHERE session IS NULL;
CREATE INDEX signin_starts_finished ON signin_starts (opened_at) WHERE session IS NOT NULL;
CREATE INDEX signin_starts_ask ON signin_starts (ask);

CREATE TABLE signin_sessions (
    id TEXT PRIMARY KEY, cookie BYTEA UNIQUE, holder TEXT NOT NULL, method TEXT NOT NULL, ask TEXT NOT NULL,
    browser TEXT, browser_name TEXT NOT NULL, place TEXT NOT NULL, auth_time DOUBLE PRECISION NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION, why TEXT, disowned_at DOUBLE PRECISION,
    challenge TEXT, challenge_until DOUBLE PRECISION);
CREATE INDEX signin_sessions_holder ON signin_sessions (holder, auth_time);
CREATE INDEX signin_sessions_open ON signin_sessions (seen_at) WHERE ended_at IS NULL;
CREATE INDEX signin_sessions_ended ON signin_sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE signin_codes (
    digest BYTEA PRIMARY KEY, grant_id TEXT NOT NULL, session TEXT NOT NULL, client TEXT NOT NULL,
    request TEXT NOT NULL, expires_at DOUBLE PRECISION NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX signin_codes_expiry ON signin_codes (expires_at);

CREATE TABLE signin_grants (
    id TEXT PRIMARY KEY, session TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL, nonce TEXT NOT NULL,
    dpop_key TEXT NOT NULL, certificate TEXT NOT NULL, made_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION);
CREATE INDEX signin_grants_session ON signin_grants (session);

CREATE TABLE signin_refresh (
    digest BYTEA PRIMARY KEY, grant_id TEXT NOT NULL, expires_at DOUBLE PRECISION NOT NULL,
    spent_at DOUBLE PRECISION);
CREATE INDEX signin_refresh_grant ON signin_refresh (grant_id);
CREATE INDEX signin_refresh_expiry ON signin_refresh (expires_at);

CREATE TABLE signin_spent (
    what TEXT PRIMARY KEY, expires_at DOUBLE PRECISION NOT NULL);
CREATE INDEX signin_spent_expiry ON signin_spent (expires_at);

CREATE TABLE signin_ciba (
    digest BYTEA PRIMARY KEY, grant_id TEXT NOT NULL, client TEXT NOT NULL, ask TEXT NOT NULL, scope TEXT NOT NULL,
    about BYTEA NOT NULL, made_at DOUBLE PRECISION NOT NULL,
    poll_interval INTEGER NOT NULL, polled_at DOUBLE PRECISION, ping BYTEA, pinged_at DOUBLE PRECISION,
    expires_at DOUBLE PRECISION NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX signin_ciba_ping ON signin_ciba (ask) WHERE ping IS NOT NULL AND pinged_at IS NULL;
CREATE INDEX signin_ciba_about ON signin_ciba (about, made_at);
CREATE INDEX signin_ciba_expiry ON signin_ciba (expires_at);

CREATE TABLE signin_deliveries (
    id TEXT PRIMARY KEY, client TEXT NOT NULL, kind TEXT NOT NULL, sealed BYTEA NOT NULL,
    due_at DOUBLE PRECISION NOT NULL, tries INTEGER NOT NULL, until DOUBLE PRECISION NOT NULL,
    done_at DOUBLE PRECISION, outcome TEXT);
CREATE INDEX signin_deliveries_due ON signin_deliveries (tries, due_at) WHERE done_at IS NULL;
CREATE INDEX signin_deliveries_done ON signin_deliveries (done_at) WHERE done_at IS NOT NULL
"""
