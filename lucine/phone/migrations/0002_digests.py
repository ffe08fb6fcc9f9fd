"""Whether she wants a monthly digest, and when the last one left."""

revision = "phone_0002"
down_revision = "phone_0001"


def upgrade() -> None:
    """Nothing yet."""
