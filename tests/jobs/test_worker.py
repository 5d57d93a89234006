"""Many machines, in one process: workers share one queue in Postgres, and what one cannot end another one does."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import StoreBusy, StoreError, TransportError, UsageError
from pipeline.jobs import ALL, QUEUES, Desk, Job, open_runner
from pipeline.jobs.work import FEEDS, ISSUES, PARTS, Part
from pipeline.jobs.worker import Worker
from pipeline.mail.signups import record_signup
from pipeline.store import Store, open_store, queue, workers
from pipeline.store.consents import Method
from pipeline.store.queue import Order
from tests.fakes import mail_server
from tests.ingest.site import running
from tests.repository import Repository

EVERY_SECOND = "* * * * * *"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def repository(tmp_path: Path, new_postgres: Callable[[], str]) -> Repository:
    return Repository.make(tmp_path / "newsletter", database_url=new_postgres(), daily_at="00:00")


@contextlib.contextmanager
def _desk(repository: Repository, **settings: object) -> Iterator[Desk]:
    found = Settings.load(
        repository.root, database_url=repository.environment["OPENSIGNAL_DATABASE_URL"], daily_at="00:00", **settings
    )
    store = open_store(found)
    try:
        yield Desk(store, found, _now)
    finally:
        store.close()


@contextlib.contextmanager
def _working(
    desk: Desk,
    *,
    queues: Collection[str] = QUEUES,
    jobs: Collection[Job] = (),
    parts: Mapping[str, Part] | None = None,
    workers: int = 1,
) -> Iterator[None]:
    """*workers* in threads of ours, which end with the block and in time."""
    all_of_them = [
        Worker(Desk(desk.store, desk.settings, _now), queues=queues, concurrency=2, jobs=jobs, parts=parts or {})
        for _ in range(workers)
    ]
    for worker in all_of_them:
        worker.start()
    try:
        yield
    finally:
        ended = [worker.stop() for worker in all_of_them]
    assert all(ended)


def _until(true: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _order(store: Store, name: str, **more: str | None) -> None:
    with store.writing() as connection:
        queue.order(connection, Order("part", queue="send", name=name, arguments={"name": name}, **more))  # type: ignore[arg-type]


def _rows(
    store: Store, columns: str = "task_name, status::text, attempts", *, queues: Collection[str] = ("send",)
) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        query = sa.text(f"SELECT {columns} FROM procrastinate_jobs WHERE queue_name = ANY(:queues) ORDER BY id")
        return [tuple(row) for row in connection.execute(query, {"queues": list(queues)})]


# --- the jobs ---------------------------------------------------------------------------------------------------------


def test_a_sign_up_is_answered_at_once(repository: Repository, caplog: pytest.LogCaptureFixture) -> None:
    with (
        mail_server() as server,
        _desk(repository, smtp_url=server.url) as desk,
        caplog.at_level(logging.INFO, "opensignal"),
        _working(desk, queues=["notices"], jobs=ALL),
    ):
        _until(
            lambda: not _rows(desk.store)
        )  # the clock's own has been done: from here on, only an order wakes the worker
        record_signup(
            desk.store,
            email="ann@example.org",
            cadence="daily",
            topics=[],
            known_topics=[],
            method=Method.FORM,
            page=None,
            wording=None,
            now=_now(),
        )
        began = time.monotonic()
        _until(lambda: server.received)
        took = time.monotonic() - began

    assert "/confirm/" in server.received[0].text()
    assert took < 20  # it does not wait for the clock
    assert "notices: sign-ups handled: 1, notices sent: 1 of 1" in caplog.text
    assert "ann@example.org" not in caplog.text


def test_an_issue_is_planned_once_and_sent_in_shares(repository: Repository, caplog: pytest.LogCaptureFixture) -> None:
    readers = [f"reader{n}@example.org" for n in range(250)]
    repository.add_article("grid")
    repository.add_subscribers(readers)
    with (
        mail_server() as server,
        _desk(repository, smtp_url=server.url) as desk,
        caplog.at_level(logging.INFO, "opensignal"),
    ):
        assert ISSUES.order
        told = ISSUES.order(desk)
        again = ISSUES.order(desk)
        names = [name for name, *_ in _rows(desk.store, "queueing_lock")]
        with _working(desk, queues=["send"], jobs=ALL, parts=PARTS, workers=2):
            _until(lambda: len(server.received) == 250 and not _rows(desk.store))

    assert told == again == f"to be sent: {repository.today} in 3 shares"
    assert names == [f"{repository.today}, share {n}" for n in (1, 2, 3)]
    assert Counter(server.recipients()) == Counter(readers)
    assert "@example.org" not in caplog.text


def test_an_issue_that_is_out_orders_nothing(repository: Repository) -> None:
    repository.add_article("grid")
    repository.add_subscribers(["ann@example.org"])
    with mail_server() as server, _desk(repository, smtp_url=server.url) as desk:
        assert ISSUES.order
        first = ISSUES.order(desk)
        part = PARTS["share"][1]
        sent = part(desk, issue=repository.today, share=0)

        assert "1 share" in first
        assert sent == f"{repository.today}: 1 of 1 letters sent"
        assert ISSUES.order(desk) == ""
        assert part(desk, issue=repository.today, share=0) == ""


def test_what_others_have_claimed_is_looked_at_again_before_the_clock_does(repository: Repository) -> None:
    """R-07: they may be dead, and their lease may end when every share is done."""
    repository.add_article("grid")
    repository.add_subscribers(["ann@example.org", "bob@example.org"])
    with mail_server() as server, _desk(repository, smtp_url=server.url) as desk:
        assert ISSUES.order
        ISSUES.order(desk)
        with desk.store.writing() as connection:
            other = workers.register(connection, task=repository.today, now=_now())
            connection.execute(
                sa.text("UPDATE deliveries SET status = 'claimed', worker_id = :other WHERE id = 1"), {"other": other}
            )
            connection.execute(sa.text("DELETE FROM procrastinate_jobs"))
        told = PARTS["share"][1](desk, issue=repository.today, share=0)
        [(name, at)] = _rows(desk.store, "queueing_lock, scheduled_at")

    assert told == f"{repository.today}: 1 of 2 letters sent"
    assert name == f"{repository.today}, share 1"
    assert isinstance(at, dt.datetime)
    assert dt.timedelta(0) < at - _now() < desk.settings.lease


def test_a_feed_that_is_due_is_one_job_and_is_read(repository: Repository) -> None:
    with running() as site, _desk(repository, allow_private=True) as desk:
        url = site.put("/feed", RSS)
        (repository.root / "content" / "feeds.yml").write_text(
            f"- {{id: one, publisher: P, url: {url}, tier: secondary}}\n"
        )
        assert FEEDS.order
        told, again = FEEDS.order(desk), FEEDS.order(desk)
        names = _rows(desk.store, "queueing_lock, lock", queues=["ingest"])
        with _working(desk, queues=["ingest"], jobs=ALL, parts=PARTS):
            _until(lambda: not _rows(desk.store, queues=["ingest"]))

        assert told == again == "1 to be read"
        assert names == [("feed one", "inbox")]
        assert site.count("/feed") == 1
        assert list((repository.root / "content" / "inbox").glob("*.md"))
        assert FEEDS.order(desk) == ""  # not due any more


RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>One</title><link>https://example.org/</link>
<description>d</description><item><title>A story</title><link>https://example.org/a</link><guid>a</guid></item></channel></rss>"""


# --- the queue --------------------------------------------------------------------------------------------------------


def test_what_goes_wrong_is_told_and_tried_again(repository: Repository, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    def act(desk: Desk, name: str) -> str:
        calls.append(name)
        if len(calls) == 1:
            raise TransportError("mail server x cannot be reached")
        if len(calls) == 2:
            raise ZeroDivisionError
        return "done"

    with _desk(repository) as desk, caplog.at_level(logging.INFO, "opensignal"):
        _order(desk.store, "a")
        with _working(desk, parts={"part": ("send", act)}):
            _until(lambda: not _rows(desk.store))

    assert "part: mail server x cannot be reached" in caplog.text
    assert "part: unexpected; trying again" in caplog.text
    assert "part: done" in caplog.text
    assert calls == ["a", "a", "a"]


def test_a_busy_database_is_asked_again_soon_however_often_the_job_was_taken_over(repository: Repository) -> None:
    """R-06: what was taken over many times would else wait for a minute."""
    calls: list[str] = []

    def act(desk: Desk, name: str) -> str:
        calls.append(name)
        if len(calls) == 1:
            raise StoreBusy("the database is busy")
        return ""

    with _desk(repository) as desk:
        _order(desk.store, "a")
        with desk.store.writing() as connection:
            connection.execute(sa.text("UPDATE procrastinate_jobs SET attempts = 9"))
        began = time.monotonic()
        with _working(desk, parts={"part": ("send", act)}):
            _until(lambda: not _rows(desk.store))

    assert calls == ["a", "a"]
    assert time.monotonic() - began < 20


def test_one_of_the_clock_is_done_by_one_of_many_workers(repository: Repository) -> None:
    done: list[int] = []
    job = Job("clock", "send", dt.timedelta(seconds=1), EVERY_SECOND, lambda desk: done.append(1) or "")  # type: ignore[func-returns-value]
    with _desk(repository) as desk:
        began = time.time()
        with _working(desk, jobs=[job], workers=4):
            _until(lambda: len(done) >= 4)
        seconds = time.time() - began

    assert len(done) <= seconds + 2  # the second before the start counts too


def test_a_job_that_waits_again_already_is_not_put_back_beside_it(repository: Repository) -> None:
    """It failed while an equal one was ordered: of one name one waits, and none is left behind as if it were being done."""
    calls: list[str] = []

    def act(desk: Desk, name: str) -> str:
        calls.append(name)
        if len(calls) == 1:
            _order(desk.store, name, lock=name)
            raise TransportError("mail server x cannot be reached")
        return ""

    with _desk(repository) as desk:
        _order(desk.store, "a", lock="a")
        with _working(desk, parts={"part": ("send", act)}):
            _until(lambda: not _rows(desk.store))

    assert calls == ["a", "a"]


def test_what_a_dead_worker_did_is_done_by_another_and_told(
    repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    with _desk(repository, lease_seconds=5) as desk:
        _order(desk.store, "a", lock="a")
        _order(desk.store, "b", lock="b")
        with desk.store.writing() as connection:  # as it leaves things when it is killed
            connection.execute(
                sa.text(
                    "WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '6 s') RETURNING id) "
                    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = w.id FROM w WHERE queueing_lock = 'a'"
                )
            )
        with _working(desk, parts={"part": ("send", lambda desk, name: done.append(name) or "")}, workers=2):  # type: ignore[func-returns-value]
            _until(lambda: not _rows(desk.store))

    assert done == ["b", "a"]
    assert caplog.text.count("part: taken over from a worker that is silent") == 1


def test_a_worker_that_was_given_up_ends_nothing(repository: Repository, caplog: pytest.LogCaptureFixture) -> None:
    """It stood still for so long that another one does its job: its word on it does not count."""
    going_on, ended = threading.Event(), threading.Event()

    def act(desk: Desk, name: str) -> str:
        going_on.wait(10)
        ended.set()
        return ""

    with _desk(repository) as desk, caplog.at_level(logging.INFO, "opensignal"):
        _order(desk.store, "a")
        with _working(desk, parts={"part": ("send", act)}):
            _until(lambda: _rows(desk.store) == [("part", "doing", 0)])
            with desk.store.writing() as connection:
                connection.execute(
                    sa.text(
                        "WITH w AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id) "
                        "UPDATE procrastinate_jobs SET worker_id = w.id FROM w"
                    )
                )
            going_on.set()
            ended.wait(10)
            _until(lambda: "part: somebody else goes on with it" in caplog.text)
            rows = _rows(desk.store)

    assert rows == [("part", "doing", 0)]


def test_a_database_that_hangs_up_on_everybody_is_asked_again(repository: Repository) -> None:
    """R-06: a restart of Postgres or a failover ends no worker."""
    done: list[str] = []
    with (
        _desk(repository, lease_seconds=5) as desk,
        _working(desk, parts={"part": ("send", lambda desk, name: done.append(name) or "")}),  # type: ignore[func-returns-value]
    ):
        _order(desk.store, "before")
        _until(lambda: done == ["before"])
        with desk.store.writing() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        _order(desk.store, "after")
        _until(lambda: done == ["before", "after"])


def test_a_transaction_in_which_a_process_stands_still_is_ended(repository: Repository) -> None:
    """R-07: also where it stopped among several statements that were sent at once, which Postgres itself overlooks."""
    with _desk(repository, lease_seconds=5) as desk, _desk(repository, lease_seconds=5) as frozen, _working(desk):
        with pytest.raises(StoreError):
            _stand_still(frozen.store, seen_by=desk.store)
        with desk.store.writing() as connection:  # would wait for it
            connection.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))


def _stand_still(store: Store, *, seen_by: Store) -> None:
    """Hold rows until somebody ends it, and then ask for something."""

    def is_there() -> bool:
        with seen_by.reading() as other:
            query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
            return bool(other.execute(query, {"pid": pid}).scalar_one())

    with store.writing() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        pid = raw.info.backend_pid
        raw.cursor().executemany("UPDATE alembic_version SET version_num = version_num WHERE %s = 1", [(1,), (1,)])
        _until(lambda: not is_there())
        connection.execute(sa.text("SELECT 1"))


def test_it_ends_what_it_does_and_takes_no_more(repository: Repository) -> None:
    began, ended = threading.Event(), threading.Event()

    def act(desk: Desk, name: str) -> str:
        began.set()
        desk.stop.wait(10)
        time.sleep(0.2)
        ended.set()
        return ""

    with _desk(repository) as desk:
        _order(desk.store, "a", lock="one after the other")
        _order(desk.store, "b", lock="one after the other")
        worker = Worker(desk, queues=["send"], concurrency=2, jobs=(), parts={"part": ("send", act)})
        worker.start()
        began.wait(10)
        stopped = worker.stop()

        assert stopped
        assert ended.is_set()
        assert _rows(desk.store, "queueing_lock, status::text") == [("b", "todo")]
        with desk.store.reading() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM procrastinate_workers")).scalar_one() == 0


def test_a_queue_that_there_is_not_is_named(settings: Settings, sqlite_store: Store) -> None:
    with pytest.raises(
        UsageError, match="no queue 'letters'; there are notices, send, ingest, publish, bounces, upkeep"
    ):
        open_runner(Desk(sqlite_store, settings, _now), queues=["letters"])


def test_a_job_that_does_not_end_is_not_waited_for_too_long(repository: Repository) -> None:
    going_on = threading.Event()

    def act(desk: Desk, name: str) -> str:
        going_on.wait(10)
        return ""

    with _desk(repository) as desk:
        _order(desk.store, "a")
        worker = Worker(desk, queues=["send"], concurrency=1, jobs=(), parts={"part": ("send", act)})
        worker.start()
        _until(lambda: _rows(desk.store) == [("part", "doing", 0)])
        in_time = worker.stop(patience=0.2)
        going_on.set()

        assert not in_time
        assert worker.stop()
