"""Prepared statements mean what SQLAlchemy's own do, on both databases."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
import sqlalchemy as sa

from pipeline.errors import StoreError
from pipeline.store import Store
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
