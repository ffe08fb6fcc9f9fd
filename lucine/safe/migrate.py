"""Bring a database forward: each room's tables, by Alembic, with the SQL written out."""

import fcntl
from pathlib import Path

ROOMS = Path(__file__).parent.parent

# A lock that only migrations take, so that processes starting together do it once.
POSTGRES_LOCK = 0x4C7563696E65


def migrate(url: str, rooms: list[str]) -> None:
    """Create or bring forward the tables of these rooms. Safe to call at every start, from several processes."""
    if not url.startswith("sqlite:///"):
        _migrate(url, rooms)
        return
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _migrate(url, rooms)


def _migrate(url: str, rooms: list[str]) -> None:
    # Imported here: forty megabytes that only a start needs.
    import sqlalchemy
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(ROOMS / room / "migrations") for room in rooms))
    scripts = ScriptDirectory.from_config(config)
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({POSTGRES_LOCK})"))
        else:
            connection.execute(sqlalchemy.text("PRAGMA busy_timeout = 10000"))
        connection.commit()
        with EnvironmentContext(
            config, scripts, fn=lambda revision, _: scripts._upgrade_revs("heads", revision)
        ) as environment:
            environment.configure(connection=connection, transaction_per_migration=True)
            with environment.begin_transaction():
                environment.run_migrations()
        connection.commit()
    engine.dispose()
