"""Starts and their outcomes, hour by hour and one by one; alarms; what was done about them."""

from alembic import op

revision = "watch_0002"
down_revision = "watch_0001"


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


TABLES = """
CREATE TABLE watch_events (
    id TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL, over_at DOUBLE PRECISION NOT NULL, client TEXT NOT NULL,
    channel TEXT NOT NULL, known INTEGER NOT NULL, number BYTEA, holder TEXT NOT NULL, newcomer INTEGER NOT NULL,
    near TEXT NOT NULL, address TEXT, source BYTEA NOT NULL, prefix TEXT NOT NULL, network TEXT NOT NULL,
    country TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX watch_events_over ON watch_events (over_at);
CREATE INDEX watch_events_holder ON watch_events (holder, over_at);
CREATE INDEX watch_events_number ON watch_events (number, over_at);
CREATE INDEX watch_events_address ON watch_events (over_at) WHERE address IS NOT NULL;

CREATE TABLE watch_hours (
    hour BIGINT NOT NULL, client TEXT NOT NULL, channel TEXT NOT NULL, known INTEGER NOT NULL, outcome TEXT NOT NULL,
    events BIGINT NOT NULL, PRIMARY KEY (hour, client, channel, known, outcome));

CREATE TABLE watch_users (
    number BYTEA NOT NULL, client TEXT NOT NULL, seen_at DOUBLE PRECISION NOT NULL, PRIMARY KEY (number, client));
CREATE INDEX watch_users_seen ON watch_users (seen_at);

CREATE TABLE watch_detector (
    scope TEXT PRIMARY KEY, version BIGINT NOT NULL, learned BYTEA NOT NULL, running BYTEA NOT NULL);

CREATE TABLE watch_sketches (
    id TEXT PRIMARY KEY, day BIGINT NOT NULL, kind TEXT NOT NULL, sketch BYTEA NOT NULL);
CREATE INDEX watch_sketches_day ON watch_sketches (day, kind);

CREATE TABLE watch_alarms (
    id TEXT PRIMARY KEY, family TEXT NOT NULL, client TEXT NOT NULL, feature TEXT NOT NULL,
    since DOUBLE PRECISION NOT NULL, opened_at DOUBLE PRECISION NOT NULL, grown_at DOUBLE PRECISION NOT NULL,
    acknowledged_at DOUBLE PRECISION, acknowledged_by TEXT NOT NULL, closed_at DOUBLE PRECISION,
    closed_by TEXT NOT NULL, ordinary INTEGER NOT NULL, evidence TEXT NOT NULL);
CREATE INDEX watch_alarms_open ON watch_alarms (opened_at) WHERE closed_at IS NULL;
CREATE INDEX watch_alarms_opened ON watch_alarms (opened_at);
CREATE INDEX watch_alarms_closed ON watch_alarms (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX watch_alarms_ordinary ON watch_alarms (client) WHERE ordinary = 1;

CREATE TABLE watch_measures (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, alarm TEXT NOT NULL, level INTEGER NOT NULL,
    began_at DOUBLE PRECISION NOT NULL, until DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION,
    ended_by TEXT NOT NULL);
CREATE UNIQUE INDEX watch_measures_active ON watch_measures (kind, target) WHERE ended_at IS NULL;
CREATE INDEX watch_measures_alarm ON watch_measures (alarm)
"""
