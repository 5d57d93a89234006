"""Prepared statements mean what SQLAlchemy's own do, on both databases."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from pipeline.errors import StoreBusy, StoreError
from pipeline.store import Store
from pipeline.store.engine import connect
from pipeline.store.prepared import Prepared
from pipeline.store.tables import workers
from tests.builders import NOW

ROW = {"host": "h", "task": "t", "process": "p", "started_at": NOW, "lease_until": NOW}
DEAD = Prepared(
    sa.select(workers.c.id, workers.c.lease_until).where(
        workers.c.host == "h", workers.c.lease_until <= sa.bindparam("now")
    )
)
RENEW = Prepared(
    workers.update().where(workers.c.id == sa.bindparam("row")).values(lease_until=sa.bindparam("until"), task="x")
)


def test_times_go_in_and_come_out_as_sqlalchemy_keeps_them(store: Store) -> None:
    later = NOW + dt.timedelta(hours=1, microseconds=7)
    with store.writing() as connection:
        first, second = connection.execute(workers.insert().returning(workers.c.id), [ROW, ROW]).scalars()

        RENEW.change_each(connection, [{"row": first, "until": later}])
        assert RENEW.change(connection, {"row": second, "until": later}) == 1
        assert RENEW.change(connection, {"row": second + 9, "until": later}) == 0

    with store.reading() as connection:
        assert DEAD.rows(connection, {"now": NOW}) == []
        assert DEAD.rows(connection, {"now": later}) == [(first, later), (second, later)]
        assert set(connection.execute(sa.select(workers.c.lease_until)).scalars()) == {later}


def test_what_goes_wrong_is_translated_at_the_same_door(store: Store) -> None:
    wrong = Prepared(sa.select(sa.column("something")).select_from(sa.table("nowhere")))

    with pytest.raises(StoreError, match="nowhere"), store.reading() as connection:
        wrong.rows(connection, {})


def test_a_change_is_undone_with_its_transaction(store: Store) -> None:
    with store.writing() as connection:
        number = connection.execute(workers.insert().returning(workers.c.id), ROW).scalar_one()

    with contextlib.suppress(ZeroDivisionError), store.writing() as connection:
        assert RENEW.change(connection, {"row": number, "until": NOW}) == 1
        raise ZeroDivisionError

    with store.reading() as connection:
        assert connection.execute(sa.select(workers.c.task)).scalar_one() == "t"


def test_a_backend_that_is_ended_under_an_opening_statement_is_a_lost_connection(
    new_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """R-06. Libpq may read why the server hangs up and not yet that it did: it then waits for answers."""
    ask = Prepared(sa.select(sa.bindparam("number", type_=sa.Integer)))
    caplog.set_level(logging.WARNING)
    store = connect(new_postgres())

    def hang_up(pipeline: Any) -> Iterator[Any]:
        pipeline._enqueue_sync()
        pipeline.command_queue.clear()
        raise psycopg.errors.AdminShutdown("terminating connection due to administrator command")
        yield

    try:
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Pipeline, "_exit_gen", hang_up)
            with pytest.raises(StoreBusy, match="the connection was lost; run again"), store.writing() as connection:
                ask.opening_rows(connection, {"number": 7})
        with store.writing() as connection:
            assert ask.opening_rows(connection, {"number": 7}) == [(7,)]
    finally:
        store.close()
    assert not caplog.records
