"""Cards seen, answers, scores, drills, the barometer, incidents."""

from alembic import op

revision = "habits_0001"
down_revision = None
branch_labels = ("habits",)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)


TABLES = """
CREATE TABLE habits_cards (
    holder TEXT NOT NULL, card TEXT NOT NULL, place TEXT NOT NULL, shown_at DOUBLE PRECISION NOT NULL,
    closed_at DOUBLE PRECISION,
    PRIMARY KEY (holder, card, place));

CREATE TABLE habits_systems (
    credential TEXT PRIMARY KEY, holder TEXT NOT NULL, platform TEXT NOT NULL, version INTEGER NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL);
CREATE INDEX habits_systems_holder ON habits_systems (holder);

CREATE TABLE habits_answers (
    holder TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (holder, question));

CREATE TABLE habits_scores (
    holder TEXT NOT NULL, week TEXT NOT NULL, score INTEGER NOT NULL,
    PRIMARY KEY (holder, week));
CREATE INDEX habits_scores_week ON habits_scores (week);

CREATE TABLE habits_drills (
    holder TEXT NOT NULL, drill TEXT NOT NULL, answered TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (holder, drill));

CREATE TABLE habits_barometer (
    period TEXT PRIMARY KEY, counts TEXT NOT NULL);

CREATE TABLE habits_counted (
    holder TEXT NOT NULL, period TEXT NOT NULL, PRIMARY KEY (holder, period));

CREATE TABLE habits_releases (
    period TEXT PRIMARY KEY, released TEXT NOT NULL, made_at DOUBLE PRECISION NOT NULL);

CREATE TABLE habits_incidents (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, path TEXT NOT NULL, opened_at DOUBLE PRECISION NOT NULL,
    done TEXT NOT NULL, facts BYTEA NOT NULL, remind_at DOUBLE PRECISION,
    closed_at DOUBLE PRECISION);
CREATE INDEX habits_incidents_holder ON habits_incidents (holder, opened_at);
CREATE INDEX habits_incidents_closed ON habits_incidents (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX habits_incidents_remind ON habits_incidents (remind_at) WHERE remind_at IS NOT NULL;

CREATE TABLE habits_notes (
    id TEXT PRIMARY KEY, incident TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, sealed BYTEA NOT NULL);
CREATE INDEX habits_notes_incident ON habits_notes (incident, at);

CREATE TABLE habits_evidence (
    id TEXT PRIMARY KEY, incident TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, sealed BYTEA NOT NULL);
CREATE INDEX habits_evidence_incident ON habits_evidence (incident, at);

CREATE TABLE habits_tasks (
    incident TEXT NOT NULL, task TEXT NOT NULL, done_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (incident, task))
"""
