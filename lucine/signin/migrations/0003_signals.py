"""Shared signals: streams of receivers and the events that wait for them (signin/ssf_*.py)."""

revision = "signin_0003"
down_revision = "signin_0002"


def upgrade() -> None:
    """Nothing yet."""
