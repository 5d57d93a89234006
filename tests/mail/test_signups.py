"""Sign-ups: the same work for every address at the door, and a worker that loses and repeats nothing."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import AddressError
from pipeline.keys import load_keys
from pipeline.mail import lifecycle
from pipeline.mail.lifecycle import ChoiceError
from pipeline.mail.signups import handle_signups, record_signup
from pipeline.model import Cadence, Choice, State
from pipeline.store import Store, consents, signups, subscribers, tables
from pipeline.store.consents import Evidence, Method

TOPICS = ("money", "power")
WORDING = "Get Deep Signals in your inbox\nSubscribe"


def sign_up(
    store: Store, email: str, *, now: dt.datetime, cadence: str = "daily", topics: tuple[str, ...] = ()
) -> None:
    record_signup(
        store,
        email=email,
        cadence=cadence,
        topics=topics,
        known_topics=TOPICS,
        method=Method.FORM,
        page="https://signals.example.org/subscribe",
        wording=WORDING,
        now=now,
    )


def die_behind(taken: object) -> None:
    assert taken is not None
    raise KeyboardInterrupt


def count(store: Store, table: sa.Table) -> int:
    with store.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_the_door_writes_one_row_and_looks_nobody_up(store: Store, settings: Settings, now: dt.datetime) -> None:
    with store.writing() as c:
        lifecycle.import_rows(
            c,
            [lifecycle.Imported(lifecycle.Address("known@example.org", "known@example.org"), Choice(), None)],
            Evidence(Method.IMPORT),
            vouched=True,
            detail="",
            first_id=0,
            key=load_keys(settings.state_dir, "suppression").newest,
            now=now,
        )

    for email in ("known@example.org", "new@example.org", "Known@Example.org"):
        sign_up(store, email, now=now)

    assert count(store, tables.signups) == 3
    assert count(store, tables.subscribers) == 1
    assert count(store, tables.notices) == 0
    assert count(store, tables.wordings) == 1


def test_the_worker_asks_each_to_confirm_with_the_words_they_saw(
    store: Store, settings: Settings, now: dt.datetime
) -> None:
    sign_up(store, "a@example.org", now=now, cadence="weekly", topics=("power",))
    sign_up(store, "b@example.org", now=now)

    handled = handle_signups(store, settings, now=now + dt.timedelta(minutes=1))

    assert handled == 2
    assert handle_signups(store, settings, now=now) == 0
    assert count(store, tables.signups) == 0
    with store.reading() as c:
        person = subscribers.find(c, "a@example.org")
        assert person is not None
        (asked,) = consents.of(c, person.id)
    assert person.state is State.PENDING
    assert (asked.wording, asked.page, asked.at) == (WORDING, "https://signals.example.org/subscribe", now)
    assert asked.choice == Choice(Cadence.WEEKLY, frozenset({"power"}))


@pytest.mark.parametrize("email", ["a@b.c, d@e.f", "a@example.org\r\nBcc: b@example.org", "a" * 300 + "@example.org"])
def test_a_hostile_address_is_refused_at_the_door(sqlite_store: Store, now: dt.datetime, email: str) -> None:
    with pytest.raises(AddressError):
        sign_up(sqlite_store, email, now=now)

    assert count(sqlite_store, tables.signups) == 0


def test_a_topic_that_is_not_there_is_refused_at_the_door(sqlite_store: Store, now: dt.datetime) -> None:
    with pytest.raises(ChoiceError, match="choose among money, power"):
        sign_up(sqlite_store, "a@example.org", now=now, topics=("sports",))


def test_a_worker_that_dies_leaves_the_sign_up_waiting(store: Store, settings: Settings, now: dt.datetime) -> None:
    sign_up(store, "a@example.org", now=now)
    with pytest.raises(KeyboardInterrupt), store.writing() as c:
        die_behind(signups.take(c, now=now))

    assert count(store, tables.subscribers) == 0
    assert handle_signups(store, settings, now=now) == 1
    assert count(store, tables.notices) == 1


def test_two_workers_share_the_sign_ups_out(store: Store, settings: Settings, now: dt.datetime) -> None:
    for number in range(40):
        sign_up(store, f"reader{number % 10}@example.org", now=now)
    handled: list[int] = []
    workers = [
        threading.Thread(target=lambda: handled.append(handle_signups(store, settings, now=now))) for _ in range(3)
    ]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(handled) == 40
    assert len(handled) == 3
    assert count(store, tables.signups) == 0
    assert count(store, tables.subscribers) == 10
    assert count(store, tables.notices) == 10, "one confirmation each, however often they pressed"


def test_a_round_is_limited_and_the_rest_waits(sqlite_store: Store, settings: Settings, now: dt.datetime) -> None:
    for number in range(5):
        sign_up(sqlite_store, f"reader{number}@example.org", now=now)

    assert handle_signups(sqlite_store, settings, now=now, limit=3) == 3
    assert handle_signups(sqlite_store, settings, now=now, limit=3) == 2


def test_an_address_that_the_rules_no_longer_take_holds_nobody_up_and_is_not_logged(
    sqlite_store: Store, settings: Settings, now: dt.datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite_store.writing() as c:
        signups.add(c, "once@allowed", Choice(), Evidence(Method.FORM), now=now)
    sign_up(sqlite_store, "a@example.org", now=now)

    handled = handle_signups(sqlite_store, settings, now=now)

    assert handled == 2
    assert count(sqlite_store, tables.signups) == 0
    assert count(sqlite_store, tables.subscribers) == 1
    assert "sign-up 1 was dropped" in caplog.text
    assert "allowed" not in caplog.text
