"""The door to the database: SQLite in a file of ours, or Postgres, with the same code above.

SQLite runs in WAL mode with foreign keys, a busy timeout, and ``synchronous=FULL`` (an acknowledged sign-up survives a power cut).
A write begins with ``BEGIN IMMEDIATE``: a transaction that reads first and writes later would fail with "database is locked"
instead of waiting (SQLite, "Transaction Upgrade").
"""

from __future__ import annotations

import json
import logging
import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine, make_url

from pipeline.errors import SettingsError, StoreBusy, StoreError
from pipeline.store.departures import NOTES, Note, Notebook

if TYPE_CHECKING:
    from pipeline.config import Settings

__all__ = ["Connection", "Store", "open_store"]

BUSY_TIMEOUT_MS = 5_000  # how long a SQLite writer waits for another one
SQLITE_CACHE_KIB = 32_768
SQLITE_JOURNAL_PAGES = 8_000  # 32 MB, after which the journal is carried over: a third less is written than with 1,000
# A part of a lease: who waits for a row of one that stands still must be let through before his own lease is over.
STANDSTILL = 0.5
# Seconds, unless the address says otherwise: a host that answers nothing must not hold us for minutes.
CONNECT_WITHIN = 10
OURS = "opensignal"  # the name under which Postgres knows our connections


class Store:
    """One database. Give each thread its own `reading` or `writing` block; the engine pools the connections."""

    def __init__(self, engine: Engine, notebook: Notebook | None = None) -> None:
        self.engine = engine
        self.notebook = notebook  # where departures are noted beside the database
        self.is_sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer: threads that queue here are served sooner than by its busy loop.
        self._turn = threading.Lock()

    @property
    def address(self) -> str:
        """Where it is, with its password, as drivers write it: for a connection of one's own."""
        return self.engine.url.set(drivername=self.engine.url.get_backend_name()).render_as_string(hide_password=False)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees one state of the database."""
        with self._mapped(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: committed when the block ends, undone when it raises.

        Raises `StoreBusy` when another process holds the database for longer than the busy timeout, `StoreError` when it cannot be
        written at all (read-only, disk full, no connection). Who leaves in this transaction is noted in a file before it is
        committed, see `departures`.
        """
        writer = Writer(self)
        try:
            with writer.writing() as connection:
                yield connection
        finally:
            writer.close()

    def close(self) -> None:
        self.engine.dispose()

    def _note(self, notes: list[Note], *, leaves: bool) -> None:
        if self.notebook:
            self.notebook.write(note for note in notes if note.leaves is leaves)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise StoreBusy("the database is busy with other writers of this process; try again")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Foreign errors become ours at this door."""
        try:
            yield
        except exc.DBAPIError as error:
            raise _translated(error, self.engine) from error
        except exc.TimeoutError as error:  # every connection of the pool is in use
            raise StoreBusy("the database is busy: all connections of this process are in use; try again") from error


class Writer:
    """`Store.writing` again and again over one connection, for a loop: one from the pool is first asked whether it lives."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None
        self._quick: Connection | None = None  # of `at_once`
        self._notes: list[Note] = []

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As `Store.writing`."""
        store, notes = self._store, self._notes
        notes.clear()
        with store._one_at_a_time(), store._mapped():
            try:
                connection = self._connection or self._open()
                with connection.begin():
                    yield connection
                    store._note(notes, leaves=True)
            except BaseException:
                self.close()  # what state it is in, nobody knows
                raise
        store._note(notes, leaves=False)

    @contextmanager
    def at_once(self) -> Iterator[Connection]:
        """For Postgres: each statement is a transaction, committed when its answer comes. One journey to the server, not three."""
        with self._store._mapped():
            try:
                if self._quick is None:
                    self._quick = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                yield self._quick
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        connections, self._connection, self._quick = (self._connection, self._quick), None, None
        for connection in connections:
            if connection is not None:
                connection.close()

    def _open(self) -> Connection:
        connection = self._store.engine.connect().execution_options(**{NOTES: self._notes})
        if self._store.is_sqlite:
            connection = connection.execution_options(opensignal_begin="IMMEDIATE")
        self._connection = connection
        return connection


def open_store(settings: Settings) -> Store:
    """Open the database that *settings* names, and bring its tables up to date.

    Raises `StoreError` when it cannot be opened, `SettingsError` when its driver is not installed.
    """
    from pipeline.store.migrations import upgrade

    store = connect(settings.database_url, standstill=settings.lease_seconds * STANDSTILL)
    store.notebook = Notebook(settings.state_dir / "departures.log")
    try:
        upgrade(store)
    except BaseException:
        store.close()
        raise
    return store


def connect(url: str, *, standstill: float = 0.0) -> Store:
    """The database at *url* as it is, without looking at its tables.

    Postgres ends a transaction of ours in which nothing happens for *standstill* seconds: a process that was frozen in the middle
    of one, or whose machine is gone, would lock its rows for ever, and nobody could take over from it.
    """
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1))
    except (ValueError, exc.ArgumentError) as error:
        raise SettingsError(
            "database_url is not an address; write postgresql://USER:PASSWORD@HOST:5432/NAME"
        ) from error
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
        if "connect_timeout" not in address.query:
            address = address.update_query_dict({"connect_timeout": str(CONNECT_WITHIN)})
    if address.get_backend_name() == "sqlite":
        return Store(_sqlite_engine(address))
    try:
        engine = sa.create_engine(address, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"database_url needs {error.name}, which is not installed; run: pip install 'opensignal[postgres]'"
        ) from error

    for name in (
        "psycopg",
        "sqlalchemy.pool",
    ):  # what they tell of lost connections, with tracebacks, is an error here too
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if standstill:

        @sa.event.listens_for(engine, "connect")
        def _do_not_stand_still(raw: Any, record: object) -> None:
            raw.execute(f"SET idle_in_transaction_session_timeout = {int(standstill * 1000)}")
            raw.execute(f"SET application_name = '{OURS}'")
            raw.commit()

    return Store(engine)


def _sqlite_engine(address: sa.URL) -> Engine:
    file = Path(address.database or "")
    if not address.database or address.database == ":memory:":
        raise SettingsError("database_url: SQLite needs a file: sqlite:///path/to/opensignal.db")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # it will hold addresses
    except OSError as error:
        raise StoreError(f"{file.parent}: cannot make the database's folder: {error.strerror}") from error
    engine = sa.create_engine(
        address,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        pool_size=10,
        max_overflow=20,
        hide_parameters=True,  # an error in a log or a report of a crash holds no address
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, record: object) -> None:
        raw.isolation_level = None  # the driver must not begin transactions by itself; _begin does
        # SQLite keeps any bytes as a text. One damaged address must not make the rows around it unreadable, nor stand in an error.
        raw.text_factory = lambda text: text.decode("utf-8", "replace")
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # an erased address leaves no bytes in free pages
            f"cache_size=-{SQLITE_CACHE_KIB}",
            f"wal_autocheckpoint={SQLITE_JOURNAL_PAGES}",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("opensignal_begin") == "IMMEDIATE":
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN DEFERRED")

    return engine


def _begin_writing(connection: Connection) -> None:
    """Take the one writer's lock, asking for it every millisecond or two.

    SQLite's own busy handler asks ever more seldom, down to ten times a second, and finds the lock taken again by whoever writes
    often: a one-click unsubscribe beside a send waited for a second.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    driver: Any = (
        connection.connection.driver_connection
    )  # past SQLAlchemy's work on each statement: every write begins here
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise exc.OperationalError("BEGIN IMMEDIATE", None, error) from error
                time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311 -- so that two do not ask in step
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


_LOCKED = "it is locked by another process; wait for it to end and run again"
_BUSY = {
    "locked": _LOCKED,
    "busy": _LOCKED,
    "lock timeout": _LOCKED,
    "deadlock": "two processes waited for each other; run again",
    "could not serialize": "another process wrote the same; run again",
    "too many clients": "it serves as many clients as it may; run again, or raise its max_connections",
    "starting up": "it is starting; run again in a moment",
}


def _translated(error: exc.DBAPIError, engine: Engine) -> StoreError:
    where = engine.url.render_as_string(hide_password=True)
    # Postgres likes to name addresses.
    what = re.sub(r"[^\s(<,=]+@[^\s)>,]+", "(address)", " ".join(str(error.orig).split()))
    if error.connection_invalidated:
        return StoreBusy(f"database {where}: the connection was lost; run again ({what})")
    if busy := next((text for word, text in _BUSY.items() if word in what.lower()), None):
        return StoreBusy(f"database {where}: {busy} ({what})")
    hints = {
        "readonly": "give this user the right to write the file and its folder",
        "read-only": "give this user the right to write",
        "unable to open": "check that its folder exists and that this user may write there",
        "disk is full": "make room on its disk and run again",
        "disk i/o error": "its disk is full or failing: make room, look into the system's log, and run again",
        "not a database": "the file is something else or damaged; restore it from a backup",
        "malformed": "the file is damaged; restore it from a backup",
        "connection": "check that the server runs and that the address and password are right",
    }
    hint = next((text for word, text in hints.items() if word in what.lower()), "see the message")
    return StoreError(f"database {where}: {what}; {hint}")


def insert_once(connection: Connection, table: sa.Table) -> Any:
    """An insert that leaves a row that is there already as it is; both databases have it, each in its own dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite_insert(table).on_conflict_do_nothing()
    return postgresql_insert(table).on_conflict_do_nothing()


def one_of(connection: Connection, column: sa.Column[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """``column IN values`` for thousands of values: they are one parameter, and the statement is the same for any number."""
    text: sa.BindParameter[str] = sa.bindparam(None, json.dumps(values), type_=sa.Text)
    if connection.dialect.name == "sqlite":
        listed = sa.func.json_each(text)
    else:  # an array would do, but the driver takes three times as long to write one
        listed = sa.func.json_array_elements_text(sa.cast(text, sa.JSON))
    return column.in_(sa.select(listed.table_valued("value").c.value))


def insert_many(
    connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, once: bool = False
) -> None:
    """Insert many rows of the same columns, in their order; with *once*, a row that is there already stays as it is.

    Past SQLAlchemy's work on each value, which takes longer than the database's: a third of the time on either.
    """
    if not rows:
        return
    names = list(rows[0])
    processors = [_processor(connection, table.c[name]) for name in names]
    columns = [_processed([row[name] for row in rows], way) for name, way in zip(names, processors, strict=True)]
    unless = " ON CONFLICT DO NOTHING" if once else ""
    listed = ", ".join(names)
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table.name} ({listed}) VALUES ({', '.join('?' * len(names))}){unless}"  # noqa: S608
        connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))
        return
    if not once:
        _copy(connection, f"{table.name} ({listed})", columns)
        return
    if _copied_whole(connection, f"{table.name} ({listed})", columns):
        return
    # COPY knows no conflicts. Numbers are given in the order of the rows: that of a SELECT comes before the defaults.
    fresh = f"fresh_{table.name}"
    types = ", ".join(f"{name} {table.c[name].type.compile(connection.dialect)}" for name in names)
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {fresh} (n serial, {types}) ON COMMIT DELETE ROWS"
    )
    connection.exec_driver_sql(f"TRUNCATE {fresh}")
    _copy(connection, f"{fresh} ({listed})", columns)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM {fresh} ORDER BY n{unless}"  # noqa: S608
    )


def _copied_whole(connection: Connection, target: str, columns: list[list[Any]]) -> bool:
    """False, and nothing is written, where a row is there already: most often none is."""
    try:
        with connection.begin_nested():
            _copy(connection, target, columns)
    except exc.DBAPIError as error:
        if not isinstance(error.orig, connection.dialect.loaded_dbapi.IntegrityError):
            raise
        return False
    return True


def _copy(connection: Connection, target: str, columns: list[list[Any]]) -> None:
    """The fastest way into Postgres; the driver's own, so its errors are wrapped here as SQLAlchemy would."""
    dialect = connection.dialect
    cursor: Any = connection.connection.cursor()
    try:
        with cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
            for row in zip(*columns, strict=True):
                copy.write_row(row)
    except dialect.loaded_dbapi.Error as error:
        raise exc.DBAPIError(f"COPY {target}", {}, error, hide_parameters=True) from error


def _processor(connection: Connection, column: sa.Column[Any]) -> Callable[[Any], Any] | None:
    kind = column.type.dialect_impl(connection.dialect)
    found: Callable[[Any], Any] | None = kind.bind_processor(connection.dialect)
    return found


def _processed(values: list[Any], way: Callable[[Any], Any] | None) -> list[Any]:
    if way is None:
        return values
    known: dict[Any, Any] = {}  # most rows of a batch have the same times
    for value in values:
        if value not in known:
            known[value] = way(value)
    return [known[value] for value in values]


def row_count(result: Any) -> int:
    """How many rows a statement touched; drivers type it loosely."""
    return int(result.rowcount)
