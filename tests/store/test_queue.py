"""Orders for the workers of many machines: in the transaction of the rows they are about, or not at all."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import StoreError
from pipeline.model import Cadence, Choice
from pipeline.store import Store, notices, open_store, queue, signups
from pipeline.store.consents import Evidence, Method
from pipeline.store.engine import connect
from pipeline.store.migrations import procrastinate
from pipeline.store.notices import NoticeKind
from pipeline.store.queue import Order
from tests.builders import NOW, add_subscribers

SHARE = Order("share", queue="send", name="share 1 of daily", lock="share 1 of daily", arguments={"issue": "daily"})


@pytest.fixture
def postgres(settings: Settings, new_postgres: Callable[[], str]) -> Iterator[Store]:
    store = open_store(settings.model_copy(update={"database_url": new_postgres()}))
    yield store
    store.close()


def _waiting(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        query = sa.text("SELECT * FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [dict(row) for row in connection.execute(query).mappings()]


def test_an_order_is_there_when_its_transaction_is(postgres: Store) -> None:
    with postgres.writing() as connection:
        queue.order(connection, SHARE, at=NOW)

    [job] = _waiting(postgres)

    assert (job["task_name"], job["queue_name"], job["args"]) == ("share", "send", {"issue": "daily"})
    assert (job["queueing_lock"], job["lock"], job["scheduled_at"]) == (SHARE.name, SHARE.lock, NOW)


def test_an_order_goes_with_its_transaction(postgres: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        _order_and_fail(postgres)

    assert _waiting(postgres) == []


def _order_and_fail(store: Store) -> None:
    with store.writing() as connection:
        queue.order(connection, SHARE)
        1 / 0  # noqa: B018


def test_one_of_a_name_waits(postgres: Store) -> None:
    for _ in range(3):
        with postgres.writing() as connection:
            queue.order(connection, SHARE)

    assert len(_waiting(postgres)) == 1


def test_an_order_is_not_taken_before_the_rows_that_trust_in_it_are_there(postgres: Store) -> None:
    """A worker that began between our insert and our commit would see nothing to do, and our rows would wait for nobody."""
    with postgres.writing() as connection:
        queue.order(connection, SHARE)

    with postgres.writing() as ours:
        queue.order(ours, SHARE)  # the one that waits will do
        before = _fetched(postgres)
    after = _fetched(postgres)

    assert before is None
    assert after is not None


def test_an_order_that_was_taken_meanwhile_is_made_anew(postgres: Store) -> None:
    """Two transactions find none: the second waits for the first, whose order is then taken before the second has committed."""
    second_began, first_taken = threading.Event(), threading.Event()

    def second() -> None:
        with postgres.writing() as connection:
            second_began.set()
            queue.order(connection, queue.NOTICES)
            first_taken.wait(10)

    thread = threading.Thread(target=second)
    with postgres.writing() as first:
        queue.order(first, queue.NOTICES)
        thread.start()
        second_began.wait(10)
        while not _somebody_waits_for_a_lock(postgres):
            pass
    taken = [_fetched(postgres)]
    first_taken.set()
    thread.join(10)
    taken.append(_fetched(postgres))

    assert sum(job is not None for job in taken) >= 1
    assert taken[1] is not None  # whichever way it went, one begins after both have committed


def _somebody_waits_for_a_lock(store: Store) -> bool:
    with store.reading() as connection:
        return bool(connection.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def _fetched(store: Store) -> int | None:
    """The job that a worker of Procrastinate would get now."""
    with store.writing() as connection:
        query = sa.text(
            "WITH w AS (SELECT * FROM procrastinate_register_worker_v1()) "
            "SELECT (procrastinate_fetch_job_v2(NULL, w.worker_id)).id FROM w"
        )
        found: int | None = connection.execute(query).scalar_one()
        return found


def test_a_sign_up_is_looked_at(store: Store) -> None:
    with store.writing() as connection:
        signups.add(connection, "ann@example.org", Choice(Cadence.DAILY, frozenset()), Evidence(Method.FORM), now=NOW)

    if not store.is_sqlite:  # where the one machine looks by itself
        [job] = _waiting(store)
        assert (job["task_name"], job["args"]) == ("notices", {})  # no address in it


def test_a_notice_is_sent(store: Store) -> None:
    add_subscribers(store, "ann@example.org")
    with store.writing() as connection:
        notices.add(connection, kind=NoticeKind.WELCOME, subscriber_id=1, now=NOW)

    if not store.is_sqlite:
        assert [job["task_name"] for job in _waiting(store)] == ["notices"]


# --- the tables -------------------------------------------------------------------------------------------------------


def _shipped() -> Path:
    spec = importlib.util.find_spec("procrastinate")
    assert spec
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations))) / "sql"


def test_the_tables_are_those_of_the_library_that_is_installed() -> None:
    newest = max(path.stem for path in (_shipped() / "migrations").glob("*.sql"))

    assert newest == procrastinate.WRITTEN_FOR, "add a migration of ours that calls `bring_up`, then raise WRITTEN_FOR"


def test_older_tables_of_the_library_are_brought_up_to_date(new_postgres: Callable[[], str]) -> None:
    """From the library's first tables on: the same functions as in tables made anew."""
    anew, old = connect(new_postgres()), connect(new_postgres())
    with old.writing() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
        raw = connection.connection.driver_connection
        assert raw is not None
        for path in sorted((_shipped() / "migrations").glob("*.sql")):
            if path.stem < "03.03":
                raw.execute(path.read_text("utf-8"))
        connection.execute(sa.text("COMMENT ON TABLE procrastinate_jobs IS '03.02.00_50_post_batch_defer_jobs'"))

    with old.writing() as connection:
        procrastinate.bring_up(connection)

    assert _functions(old) == _functions(anew)
    old.close()
    anew.close()


def _functions(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        query = sa.text("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'procrastinate_%' ORDER BY 1")
        return {row.proname: re.sub(r"\s+", " ", row.prosrc).strip() for row in connection.execute(query)}


def test_tables_that_somebody_else_made_are_left_alone(postgres: Store) -> None:
    with postgres.writing() as connection:
        connection.execute(sa.text("COMMENT ON TABLE procrastinate_jobs IS NULL"))

    with pytest.raises(StoreError, match="not made by Open Signal"), postgres.writing() as connection:
        procrastinate.bring_up(connection)


def test_sqlite_has_none_of_it(sqlite_store: Store) -> None:
    with sqlite_store.writing() as connection:
        queue.order(connection, SHARE)
        names = sa.inspect(connection).get_table_names()

    assert not [name for name in names if name.startswith("procrastinate")]


def test_a_time_for_an_order_is_kept(postgres: Store) -> None:
    with postgres.writing() as connection:
        queue.order(connection, SHARE, at=NOW + dt.timedelta(days=400 * 365))

    assert _fetched(postgres) is None
