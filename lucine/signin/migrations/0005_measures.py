"""Proof of work of a start, digests wanted or not."""

revision = "signin_0005"
down_revision = "signin_0004"


def upgrade() -> None:
    """Nothing yet."""
