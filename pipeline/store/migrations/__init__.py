"""Bring a database up to the newest tables, one step after the other (Alembic), and never down.

`upgrade` runs by itself whenever a command opens the database; two that do so at once wait for each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import alembic.command
import alembic.config
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from pipeline.errors import StoreError

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
        config = _config()
        config.attributes["connection"] = connection
        try:
            alembic.command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"the database was written by a newer version ({_revision(connection)}); install that version, or restore a backup"
            ) from error


def head() -> str:
    """The newest revision that this version knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
