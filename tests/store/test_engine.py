"""The door to the database: settings of SQLite, the same tables on both, and errors that say what next."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from pipeline.config import Settings
from pipeline.errors import SettingsError, StoreBusy, StoreError
from pipeline.store import Store, open_store, tables
from pipeline.store import engine as engine_module
from pipeline.store.engine import connect

WORDING = {"hash": "0" * 64, "text": "words", "first_shown_at": dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)}


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    with store.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)

    foreign = ("alembic_version", "procrastinate_")
    assert [d for d in differences if not any(name in str(d) for name in foreign)] == []


def test_opening_a_database_twice_changes_nothing(settings: Settings, database_url: str) -> None:
    settings = settings.model_copy(update={"database_url": database_url})
    first = open_store(settings)
    with first.writing() as connection:
        connection.execute(tables.wordings.insert(), WORDING)
    second = open_store(settings)

    with second.reading() as connection:
        assert connection.execute(sa.select(tables.wordings.c.text)).scalar_one() == "words"
    first.close()
    second.close()


def test_a_time_comes_back_aware_and_equal(store: Store) -> None:
    east = dt.timezone(dt.timedelta(hours=5, minutes=30))
    when = dt.datetime(2026, 11, 23, 14, 30, 0, 123456, tzinfo=east)
    with store.writing() as connection:
        connection.execute(tables.wordings.insert(), {**WORDING, "first_shown_at": when})

    with store.reading() as connection:
        found = connection.execute(sa.select(tables.wordings.c.first_shown_at)).scalar_one()

    assert found == when
    assert found.tzinfo == dt.UTC


def test_a_failed_write_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(store)

    with store.reading() as connection:
        assert connection.execute(sa.select(tables.wordings)).all() == []


def _fail_half_way(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(tables.wordings.insert(), WORDING)
        1 / 0  # noqa: B018


@pytest.mark.parametrize("statement", ["UPDATE wordings SET text = 'other'", "DELETE FROM wordings"])
def test_what_was_agreed_to_is_only_ever_added_to(store: Store, statement: str) -> None:
    with store.writing() as connection:
        connection.execute(tables.wordings.insert(), WORDING)

    with pytest.raises(StoreError, match="append-only"), store.writing() as connection:
        connection.execute(sa.text(statement))


def test_sqlite_is_durable_and_checks_references(sqlite_store: Store) -> None:
    with sqlite_store.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_locked_database_says_so_and_is_free_again_later(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 50)
    store, other = connect(sqlite_url), connect(sqlite_url)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with other.writing():
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with (
        pytest.raises(StoreBusy, match=r"locked by another process; wait for it to end and run again"),
        store.writing(),
    ):
        pass
    release.set()
    thread.join()

    with store.writing() as connection:
        connection.execute(tables.wordings.insert(), WORDING)
    store.close()
    other.close()


def test_two_writers_wait_for_each_other(store: Store) -> None:
    errors: list[Exception] = []

    def write(number: int) -> None:
        try:
            for step in range(20):
                with store.writing() as connection:
                    connection.execute(sa.select(tables.wordings)).all()
                    connection.execute(tables.wordings.insert(), {**WORDING, "hash": f"{number}-{step}"})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    with store.reading() as connection:
        assert len(connection.execute(sa.select(tables.wordings)).all()) == 80


def test_who_stands_still_in_a_transaction_locks_nobody_out(
    settings: Settings, new_postgres: Callable[[], str]
) -> None:
    """R-07: frozen in the middle of a write, or on a machine that is gone, it would hold its rows for ever."""
    url = new_postgres()
    still, other = connect(url, standstill=0.3), connect(url)

    with pytest.raises(StoreError):
        _stand_still_while(still, other)

    with other.reading() as connection:
        assert len(connection.execute(sa.select(tables.wordings)).all()) == 1
    still.close()
    other.close()
    opened = open_store(settings.model_copy(update={"database_url": url, "lease_seconds": 10}))
    with opened.reading() as connection:  # gone before the lease is, so that who takes over need not wait
        assert connection.execute(sa.text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "5s"
    opened.close()


def _stand_still_while(still: Store, other: Store) -> None:
    with still.writing() as connection:
        connection.execute(tables.wordings.insert(), WORDING)
        with other.writing() as free:  # waits for us, and then is let through
            free.execute(tables.wordings.insert(), WORDING)


def test_a_file_that_is_no_database_is_named(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, but long enough to look like one " * 50)

    with pytest.raises(StoreError, match=r"notes\.db.*not a database"):
        open_store(settings.model_copy(update={"database_url": f"sqlite:///{path}"}))


def test_a_database_of_a_newer_version_is_refused(store: Store, settings: Settings, database_url: str) -> None:
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="newer version"):
        open_store(settings.model_copy(update={"database_url": database_url}))


def test_a_server_that_answers_nothing_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "CONNECT_WITHIN", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = connect(f"postgresql://reader:secret@127.0.0.1:{silent.getsockname()[1]}/news")

        with pytest.raises(StoreError), store.reading():
            pass


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    store = connect("postgresql://reader:secret@127.0.0.1:1/news?connect_timeout=2")

    with pytest.raises(StoreError) as caught, store.reading():
        pass

    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(SettingsError, match="not an address") as caught:
        connect("postgresql://u:secret@h:notaport/db")

    assert "secret" not in str(caught.value)


def test_sqlite_without_a_file_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs a file"):
        connect("sqlite://")
