"""The current register: one row an activity."""

from alembic import op

from lucine.directory.register import COLUMNS, INDEXES, POSTGRES_COLUMNS, TABLE

revision = "directory_0001"
down_revision = None
branch_labels = ("directory",)


def upgrade() -> None:
    columns = POSTGRES_COLUMNS if op.get_bind().dialect.name == "postgresql" else COLUMNS
    op.execute(f"CREATE TABLE {TABLE} {columns}")
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {TABLE}_{name} ON {TABLE} {columns}")
