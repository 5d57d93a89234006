"""Bring a database up to the newest tables, one step after the other (Alembic), and never down.

`upgrade` runs by itself whenever a command opens the database; two that do so at once wait for each other. Each step is a file
``versions/NNNN_what.py`` whose revision is NNNN, so that a database that is up to date is known without loading Alembic.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipeline.errors import StoreError
from pipeline.store import instance

if TYPE_CHECKING:
    from pipeline.store.engine import Connection, Store

HERE = Path(__file__).parent
LOCK = 0x09E75167  # Postgres advisory lock of our own


def upgrade(store: Store) -> None:
    """Bring the tables up to date. Raises `StoreError` for a database that a newer version of Open Signal has written."""
    with store.reading() as connection:
        if _revision(connection) == head():
            return
    with store.writing() as connection:
        if not store.is_sqlite:  # SQLite's write transaction is the lock
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        _run(connection)
        # From its first moment on, so that a copy made before the first letter is known as one (T-20).
        instance.read(connection, fresh_name=secrets.token_hex(8))


def head() -> str:
    """The newest revision that this version knows."""
    return max(path.name[:4] for path in (HERE / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def _run(connection: Connection) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each step, even while it loads
    import alembic.command  # here: it takes longer to load than most commands take to run
    import alembic.config
    from alembic.util import CommandError

    config = alembic.config.Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database was written by a newer version ({_revision(connection)}); install that version, or restore a backup"
        ) from error


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
