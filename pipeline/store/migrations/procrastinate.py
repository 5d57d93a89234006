"""The tables of Procrastinate, the queue of `opensignal worker`: made and brought up to date by the SQL that the library brings.

They stand beside ours, each named ``procrastinate_...``: the library's own commands find them there, a backup of the database holds
them, and a job can be written in the same transaction as the rows that it is about. A comment on their main table says how far they
are: the name of the last of the library's migrations that they contain.

The library is pinned to the versions whose tables are `WRITTEN_FOR`. To go on to newer ones, raise the pin and `WRITTEN_FOR`, and
add a revision of ours that calls `bring_up` once more: it runs those migrations of the library that are missing, in order. A test
fails until all three are done.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipeline.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from pipeline.store.engine import Connection

WRITTEN_FOR = "03.04.00_50_post_add_retry_failed_job_procedure"  # the last migration that our code was tried with
TABLE = "procrastinate_jobs"


def bring_up(connection: Connection) -> None:
    """Make the tables, or run what is missing of the library's migrations, in the transaction of *connection*.

    Raises `SettingsError` where the library is not installed, `StoreError` where it is of another age than this version of ours.
    """
    folder = _shipped()
    migrations = sorted(path for path in (folder / "migrations").glob("*.sql"))
    if not migrations or migrations[-1].stem != WRITTEN_FOR:
        raise StoreError(
            f"the installed procrastinate has tables of another version ({migrations[-1].stem if migrations else 'none'}); "
            f"run: pip install 'opensignal[postgres]'"
        )
    if not sa.inspect(connection).has_table(TABLE):
        _run(connection, folder / "schema.sql")
    else:
        known = _version(connection)
        for path in migrations:
            if path.stem > known:
                _run(connection, path)
    connection.execute(sa.text(f"COMMENT ON TABLE {TABLE} IS '{WRITTEN_FOR}'"))


def _version(connection: Connection) -> str:
    query = sa.text("SELECT obj_description(to_regclass(:table), 'pg_class')")
    found: str | None = connection.execute(query, {"table": TABLE}).scalar_one()
    if not found:
        raise StoreError(
            f"{TABLE} was not made by Open Signal; drop the tables procrastinate_* or use another database"
        )
    return found


def _shipped() -> Path:
    """The folder of the library's SQL. It is read without loading the library, which only `pipeline.jobs` may."""
    spec = importlib.util.find_spec("procrastinate")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(
            "Postgres needs procrastinate, which is not installed; run: pip install 'opensignal[postgres]'"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "sql"


def _run(connection: Connection, path: Path) -> None:
    """Many statements in one file: only the driver itself takes them, and only without parameters."""
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute(path.read_text("utf-8"))
