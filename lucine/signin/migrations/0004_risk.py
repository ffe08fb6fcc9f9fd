"""The risk of a completed sign-in, and what was asked for it."""

revision = "signin_0004"
down_revision = "signin_0003"


def upgrade() -> None:
    """Nothing yet."""
