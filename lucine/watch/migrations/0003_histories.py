"""What is remembered of a person's sign-ins, to tell an odd one (watch/histories.py)."""

revision = "watch_0003"
down_revision = "watch_0002"


def upgrade() -> None:
    """Nothing yet."""
