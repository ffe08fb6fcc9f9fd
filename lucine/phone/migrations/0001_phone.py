"""Holders, their credentials, vouchers, recovery codes, asks, notices and typed codes."""

from alembic import op

revision = "phone_0001"
down_revision = None
branch_labels = ("phone",)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


TABLES = """
CREATE TABLE phone_holders (
    id TEXT PRIMARY KEY, national_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    mail BYTEA, mobile BYTEA, language TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL,
    rings_since_success INTEGER NOT NULL);

CREATE TABLE phone_credentials (
    id TEXT PRIMARY KEY, webauthn_id TEXT NOT NULL UNIQUE, holder TEXT NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, public_key BYTEA NOT NULL, sign_count BIGINT NOT NULL, backed_up INTEGER NOT NULL,
    cookie BYTEA UNIQUE, created_at DOUBLE PRECISION NOT NULL, usable_at DOUBLE PRECISION NOT NULL,
    used_at DOUBLE PRECISION, revoked_at DOUBLE PRECISION, push BYTEA, made_in TEXT NOT NULL DEFAULT '',
    quiet_start TEXT NOT NULL, quiet_end TEXT NOT NULL);
CREATE INDEX phone_credentials_holder ON phone_credentials (holder);

CREATE TABLE phone_vouchers (
    digest BYTEA PRIMARY KEY, holder TEXT NOT NULL, kind TEXT NOT NULL, made_in TEXT NOT NULL, challenge BYTEA,
    made_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX phone_vouchers_holder ON phone_vouchers (holder);
CREATE INDEX phone_vouchers_expiry ON phone_vouchers (expires_at);

CREATE TABLE phone_code_requests (
    digest BYTEA PRIMARY KEY, holder TEXT, mail_code BYTEA NOT NULL, sms_code BYTEA NOT NULL,
    made_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL, tries INTEGER NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX phone_code_requests_holder ON phone_code_requests (holder, made_at);
CREATE INDEX phone_code_requests_made ON phone_code_requests (made_at);

CREATE TABLE phone_recovery_codes (
    digest BYTEA PRIMARY KEY, holder TEXT NOT NULL, made_in TEXT NOT NULL, made_at DOUBLE PRECISION NOT NULL,
    spent_at DOUBLE PRECISION);
CREATE INDEX phone_recovery_codes_holder ON phone_recovery_codes (holder);

CREATE TABLE phone_asks (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, shown TEXT NOT NULL, browser_key TEXT NOT NULL, nonce BYTEA NOT NULL,
    visit BYTEA, return_to TEXT NOT NULL, code BYTEA, holder TEXT, credential TEXT,
    opened_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION NOT NULL,
    claimed_at DOUBLE PRECISION, ring_at DOUBLE PRECISION, rung_at DOUBLE PRECISION,
    answered_at DOUBLE PRECISION, answer TEXT, keep INTEGER NOT NULL, disowned_at DOUBLE PRECISION);
CREATE INDEX phone_asks_live ON phone_asks (holder, expires_at);
CREATE INDEX phone_asks_past ON phone_asks (holder, opened_at)
    WHERE answered_at IS NOT NULL OR claimed_at IS NOT NULL;
CREATE INDEX phone_asks_ringing ON phone_asks (holder, expires_at) WHERE ring_at IS NOT NULL AND answered_at IS NULL;
CREATE INDEX phone_asks_code ON phone_asks (code, holder, expires_at) WHERE code IS NOT NULL;
CREATE INDEX phone_asks_ring ON phone_asks (ring_at) WHERE ring_at IS NOT NULL AND rung_at IS NULL;
CREATE INDEX phone_asks_answered ON phone_asks (answered_at) WHERE code IS NOT NULL;
CREATE INDEX phone_asks_unseen ON phone_asks (expires_at) WHERE answered_at IS NULL AND claimed_at IS NULL;
CREATE INDEX phone_asks_seen ON phone_asks (expires_at) WHERE answered_at IS NOT NULL OR claimed_at IS NOT NULL;

CREATE TABLE phone_typed_codes (
    holder TEXT PRIMARY KEY, credential TEXT NOT NULL, digest BYTEA UNIQUE, code BYTEA,
    armed_at DOUBLE PRECISION NOT NULL, usable_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION NOT NULL);

CREATE TABLE phone_cancels (
    digest BYTEA PRIMARY KEY, holder TEXT NOT NULL, what TEXT NOT NULL, target TEXT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX phone_cancels_expiry ON phone_cancels (expires_at);

CREATE TABLE phone_notices (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, channel TEXT NOT NULL, sealed BYTEA NOT NULL,
    made_at DOUBLE PRECISION NOT NULL, due_at DOUBLE PRECISION NOT NULL, tries INTEGER NOT NULL,
    delivered_at DOUBLE PRECISION);
CREATE INDEX phone_notices_due ON phone_notices (due_at) WHERE delivered_at IS NULL;
CREATE INDEX phone_notices_made ON phone_notices (made_at)
"""
