"""The delivery contract, against a real mail server: each one letter, nobody passed over, nobody who left."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.config import Rate
from pipeline.errors import SendingElsewhere, StoreError, TransportError
from pipeline.keys import Key, KeyRing
from pipeline.mail.deliver import Tally, deliver
from pipeline.mail.message import build_message
from pipeline.mail.plan import Composed, plan_issue
from pipeline.mail.smtp import Answer, Copy
from pipeline.mail.stamp import BLANKS
from pipeline.mail.terms import Terms
from pipeline.mail.transport import Outbox, SmtpTransport
from pipeline.model import Article, Cadence, Control, DeliveryStatus, Issue
from pipeline.store import Store, domains, issues, workers
from pipeline.store import deliveries as rows
from pipeline.store.claims import DIED, bury
from pipeline.store.issues import StoredIssue
from pipeline.store.tables import deliveries, subscribers
from tests.builders import NOW, add_subscribers, an_article
from tests.fakes import MailServer, mail_server

KEY = bytes(range(32))
RING = KeyRing((Key(KEY),))
DAILY = Issue("daily-2026-11-23", Cadence.DAILY, date=dt.date(2026, 11, 23), closes_at=NOW)
FIVE = tuple(f"reader{n}@example.org" for n in range(5))


def compose(issue: Issue, articles: Sequence[Article]) -> Composed:
    subject = articles[0].title
    message = build_message(
        sender=("Deep Signals", "signals@example.org"),
        to=BLANKS["recipient"],
        subject=subject,
        text=f".starts with a dot\nLeave: https://example.org/unsubscribe/{BLANKS['unsubscribe']}\n",
        html="<p>text</p>",
        date=issue.closes_at,
        message_id=f"<{BLANKS['message_id']}@example.org>",
        headers={},
    )
    return Composed(subject, message)


def plan(store: Store, issue: Issue = DAILY, articles: Sequence[Article] = (an_article(),)) -> StoredIssue:
    stored = plan_issue(store, issue, articles, compose, now=NOW)
    assert stored is not None
    return stored


def run(
    store: Store,
    stored: StoredIssue,
    server: MailServer,
    *,
    connections: int = 2,
    now: dt.datetime = NOW,
    stop: threading.Event | None = None,
    **changes: Any,
) -> Tally:
    return deliver(
        store,
        stored,
        SmtpTransport("127.0.0.1", server.port, timeout=10),
        terms(connections=connections, **changes),
        clock=lambda: now,
        stop=stop,
    )


def terms(**changes: Any) -> Terms:
    return Terms(
        **{"sender": "signals@example.org", "token_keys": KEY, "suppression_keys": RING, "connections": 2, **changes}
    )


def standing(store: Store) -> dict[str, str]:
    """Where each subscriber's delivery stands."""
    query = sa.select(subscribers.c.email, deliveries.c.status).join(
        subscribers, subscribers.c.id == deliveries.c.subscriber_id
    )
    with store.reading() as connection:
        return {row.email: row.status for row in connection.execute(query)}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def test_each_subscriber_gets_exactly_one_letter(store: Store, server: MailServer) -> None:
    add_subscribers(store, *FIVE)

    tally = run(store, plan(store), server)

    assert sorted(server.recipients()) == sorted(FIVE)
    assert tally[DeliveryStatus.SENT] == 5
    assert set(standing(store).values()) == {"sent"}


def test_a_second_run_sends_nothing(store: Store, server: MailServer) -> None:
    """R-10."""
    add_subscribers(store, *FIVE)
    run(store, plan(store), server)

    tally = run(store, plan(store), server)

    assert len(server.received) == 5
    assert sum(tally.values()) == 0


def test_the_letter_arrives_as_it_was_stamped(store: Store, server: MailServer, tmp_path: Path) -> None:
    """Dots at the start of a line are stuffed on the wire and nowhere else."""
    add_subscribers(store, "a@example.org")
    stored = plan(store)
    outbox = tmp_path / "outbox"
    kept = deliver(
        store,
        stored,
        Outbox(outbox),
        terms(connections=1),
        clock=lambda: NOW,
    )
    with store.writing() as connection:
        connection.execute(deliveries.update().values(status="planned", finished_at=None))

    run(store, stored, server)

    [file] = (outbox / "new").iterdir()
    assert kept[DeliveryStatus.SENT] == 1
    assert server.received[0].data == file.read_bytes()
    assert server.received[0].text().startswith(".starts with a dot")


def test_connections_are_reused_and_no_more_are_opened_than_asked_for(sqlite_store: Store, server: MailServer) -> None:
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(60)))

    run(sqlite_store, plan(sqlite_store), server, connections=3)

    assert len(server.received) == 60
    assert server.connections <= 3


def test_who_left_after_the_planning_gets_nothing(store: Store, server: MailServer) -> None:
    """P-07: the state is read in the transaction that claims."""
    add_subscribers(store, *FIVE)
    stored = plan(store)
    with store.writing() as connection:
        connection.execute(subscribers.update().where(subscribers.c.email == FIVE[0]).values(state="unsubscribed"))
        connection.execute(subscribers.update().where(subscribers.c.email == FIVE[1]).values(email=None))

    tally = run(store, stored, server)

    assert sorted(server.recipients()) == sorted(FIVE[2:])
    assert tally[DeliveryStatus.SUPPRESSED] == 2


def test_a_temporary_refusal_is_tried_again_when_its_time_has_come(store: Store) -> None:
    add_subscribers(store, *FIVE)
    stored = plan(store)
    busy = {FIVE[0]}

    def answer(stage: str, recipient: str, connection: int) -> str:
        return "451 4.7.1 later please" if stage == "rcpt" and recipient in busy else ""

    with mail_server(answer) as server:
        first = run(store, stored, server)
        too_early = run(store, stored, server, now=NOW + dt.timedelta(minutes=4))
        busy.clear()
        later = run(store, stored, server, now=NOW + dt.timedelta(minutes=6))

        assert first == {DeliveryStatus.SENT: 4, DeliveryStatus.DEFERRED: 1, DeliveryStatus.SUPPRESSED: 0}
        assert sum(too_early.values()) == 0
        assert later[DeliveryStatus.SENT] == 1
        assert sorted(server.recipients()) == sorted(FIVE)


@pytest.mark.parametrize(
    ("stage", "reply"),
    [("mail", "550 5.7.1 sender rejected"), ("rcpt", "530 5.7.0 authentication required"), ("data", "554 5.7.1 no")],
)
def test_a_refusal_of_the_sender_is_no_refusal_of_the_readers(sqlite_store: Store, stage: str, reply: str) -> None:
    """One wrong password must not book a whole issue as refused."""
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)

    with mail_server(lambda at, r, c: reply if at == stage else "") as server:
        tally = run(sqlite_store, stored, server)

        assert reply in tally.line_lost
        assert set(standing(sqlite_store).values()) == {"planned"}
    with mail_server() as mended:
        assert run(sqlite_store, stored, mended)[DeliveryStatus.SENT] == 5


def test_after_a_421_nothing_more_is_read_from_that_line(sqlite_store: Store) -> None:
    """The replies to what was pipelined behind it must not be taken for those to the next letter."""
    add_subscribers(sqlite_store, *(f"reader@d{n}.example.org" for n in range(12)))  # or the receiver were left alone
    stored = plan(sqlite_store)
    number = iter(range(1000))

    def answer(stage: str, recipient: str, connection: int) -> str:
        return "421 4.7.0 slow down" if stage == "rcpt" and next(number) % 3 == 2 else ""

    with mail_server(answer) as server:
        tally = run(sqlite_store, stored, server, connections=1)

    assert tally[DeliveryStatus.FAILED] == 0
    assert tally[DeliveryStatus.DEFERRED] == 4
    assert tally[DeliveryStatus.SENT] == 8


def test_a_server_on_which_every_line_breaks_is_given_up(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(60)))
    stored = plan(sqlite_store)

    with mail_server(lambda stage, r, c: None if stage == "message" else "") as server:
        tally = run(sqlite_store, stored, server, connections=2)

        assert "broke 10 times in a row" in tally.line_lost
        assert len(server.received) <= 12
    assert Counter(standing(sqlite_store).values())["planned"] >= 48


@pytest.mark.parametrize("stage", ["rcpt", "message"])
def test_a_final_refusal_fails_that_letter_alone(sqlite_store: Store, stage: str) -> None:
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    number = iter(range(1000))

    def answer(at: str, recipient: str, connection: int) -> str:
        return "550 5.1.1 no such user" if at == stage and next(number) == 2 else ""

    with mail_server(answer) as server:
        tally = run(sqlite_store, stored, server, connections=1)

        assert tally[DeliveryStatus.FAILED] == 1
        assert tally[DeliveryStatus.SENT] == 4
        assert len(server.received) == 4


def test_what_a_server_says_is_kept_for_people(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, "a@example.org")
    stored = plan(sqlite_store)

    with mail_server(lambda stage, r, c: "550 5.7.1 \x1b[31mgo\x00 away" if stage == "rcpt" else "") as server:
        run(sqlite_store, stored, server)

    with sqlite_store.reading() as connection:
        row = connection.execute(sa.select(deliveries)).one()
    assert (row.code, row.enhanced, row.reply) == (550, "5.7.1", "?[31mgo? away")


def test_a_line_that_breaks_after_the_final_dot_makes_one_letter_uncertain(store: Store) -> None:
    """R-03: the server took it and hung up; it is sent again, with the same Message-ID, and counted."""
    add_subscribers(store, *FIVE)
    stored = plan(store)
    broken: list[str] = []

    def answer(stage: str, recipient: str, connection: int) -> str | None:
        if stage == "message" and not broken:
            broken.append(recipient)
            return None
        return ""

    with mail_server(answer) as server:
        first = run(store, stored, server)
        second = run(store, stored, server, now=NOW + dt.timedelta(minutes=6))

        assert first[DeliveryStatus.UNCERTAIN] == 1
        assert second[DeliveryStatus.SENT] == 1
        assert Counter(server.recipients()) == Counter([*FIVE, *broken])
        twice = [received.data for received in server.received if received.recipient == broken[0]]
        assert twice[0] == twice[1]


def test_a_line_that_breaks_before_the_letter_is_out_is_no_loss_and_no_repeat(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    hang_ups = iter([None, None])

    def answer(stage: str, recipient: str, connection: int) -> str | None:
        return next(hang_ups, "") if stage == "rcpt" else ""

    with mail_server(answer) as server:
        tally = run(sqlite_store, stored, server, connections=1)

        assert tally[DeliveryStatus.SENT] == 5
        assert sorted(server.recipients()) == sorted(FIVE)


def test_a_server_that_is_not_there_costs_nothing(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    with mail_server() as gone:
        pass

    with pytest.raises(TransportError, match=rf"127\.0\.0\.1:{gone.port} cannot be reached"):
        run(sqlite_store, stored, gone)

    assert set(standing(sqlite_store).values()) == {"planned"}


def test_a_server_that_goes_away_half_way_leaves_the_rest_planned(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(40)))
    stored = plan(sqlite_store)
    with mail_server() as server:
        server.answer = lambda stage, r, c: "" if len(server.received) < 10 else None  # and no greeting for new ones

        tally = run(sqlite_store, stored, server, connections=2)

    counts = Counter(standing(sqlite_store).values())
    assert "cannot be reached" in tally.line_lost
    assert counts["planned"] >= 25
    assert counts["claimed"] == 0
    with mail_server() as back:
        run(sqlite_store, stored, back, now=NOW + dt.timedelta(hours=1))

        assert {*server.recipients(), *back.recipients()} == set(standing(sqlite_store))
    assert set(standing(sqlite_store).values()) == {"sent"}


def test_a_server_that_allows_fewer_connections_gets_fewer(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(30)))
    stored = plan(sqlite_store)

    with mail_server(lambda stage, r, c: "421 4.7.0 too many" if stage == "connect" and c > 1 else "") as server:
        tally = run(sqlite_store, stored, server, connections=3)

        assert tally[DeliveryStatus.SENT] == 30
        assert tally.line_lost == ""


def test_stopping_ends_after_the_letters_in_flight(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(50)))
    stored = plan(sqlite_store)
    stop = threading.Event()

    def answer(stage: str, recipient: str, connection: int) -> str:
        if stage == "message" and recipient == "r5@example.org":
            stop.set()
        return ""

    with mail_server(answer) as server:
        tally = run(sqlite_store, stored, server, connections=2, stop=stop)

        assert 5 <= tally[DeliveryStatus.SENT] <= 10
        assert len(server.received) == tally[DeliveryStatus.SENT]
    assert Counter(standing(sqlite_store).values())["claimed"] == 0


def test_another_live_sender_of_the_same_issue_is_named(store: Store, server: MailServer) -> None:
    add_subscribers(store, *FIVE)
    stored = plan(store)
    with store.writing() as connection:
        workers.register(connection, task=DAILY.key, now=NOW)

    with pytest.raises(SendingElsewhere, match=r"daily-2026-11-23 is being sent by another process .*process \d+"):
        run(store, stored, server)

    assert server.received == []


def test_what_a_dead_sender_held_is_uncertain_and_sent_again(store: Store, server: MailServer) -> None:
    add_subscribers(store, *FIVE)
    stored = plan(store)
    with store.writing() as connection:
        earlier = NOW - workers.LEASE
        dead = workers.register(connection, task=DAILY.key, now=earlier)
        first = sa.select(sa.func.min(deliveries.c.id)).scalar_subquery()
        connection.execute(
            deliveries.update()
            .where(deliveries.c.id == first)
            .values(status="claimed", worker_id=dead, first_at=earlier, started_at=earlier)
        )

    tally = run(store, stored, server)

    assert tally.taken_over == 1
    with store.reading() as connection:
        troubled = rows.troubled(connection, stored.id, limit=10)
    assert [(status, reply.text) for _, status, reply in troubled] == [
        (DeliveryStatus.UNCERTAIN, f"sent again, for {DIED}")
    ]
    assert sorted(server.recipients()) == sorted(FIVE)


def test_a_sender_that_was_given_up_for_dead_records_nothing_more(store: Store) -> None:
    """R-07: a frozen worker that wakes finds its claims taken, and stops."""
    add_subscribers(store, *FIVE)
    stored = plan(store)

    def answer(stage: str, recipient: str, connection: int) -> str:
        if stage == "message":
            with store.writing() as other:  # as another worker does
                holder = other.execute(
                    sa.select(deliveries.c.worker_id).where(deliveries.c.status == "claimed")
                ).scalar_one()
                bury(other, [holder], now=NOW)
        return ""

    with mail_server(answer) as server:
        with pytest.raises(SendingElsewhere, match="took daily-2026-11-23 over"):
            run(store, stored, server, connections=1)

        assert len(server.received) == 1
    assert Counter(standing(store).values()) == {"planned": 4, "uncertain": 1}


def test_a_fault_of_ours_on_a_line_is_heard_and_ends_the_run(sqlite_store: Store) -> None:
    class Faulty:
        name = "faulty"

        def connect(self) -> Faulty:
            return self

        def carry(self, copy: Copy) -> Answer:
            raise ZeroDivisionError

        def close(self) -> None:
            pass

    add_subscribers(sqlite_store, *FIVE)

    with pytest.raises(ZeroDivisionError):
        deliver(
            sqlite_store,
            plan(sqlite_store),
            Faulty(),
            terms(),
            clock=lambda: NOW,
        )


def test_a_database_that_cannot_be_written_stops_the_run(sqlite_store: Store, server: MailServer) -> None:
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    sqlite_store.engine.dispose()
    sa.event.listen(sqlite_store.engine, "connect", lambda raw, record: raw.execute("PRAGMA query_only=ON"))

    with pytest.raises(StoreError, match="readonly"):
        run(sqlite_store, stored, server)

    assert server.received == []


# --- what a person says, and what is too much -------------------------------------------------------------------------


def _stand(store: Store) -> Counter[str]:
    return Counter(standing(store).values())


@pytest.mark.parametrize("control", [Control.PAUSED, Control.CANCELLED])
def test_an_issue_that_is_stopped_while_it_is_sent_ends_after_the_letters_in_flight(
    store: Store, control: Control
) -> None:
    add_subscribers(store, *(f"reader@d{n}.example.org" for n in range(40)))
    stored = plan(store)

    def answer(stage: str, recipient: str, connection: int) -> str:
        if stage == "message" and len(server.received) == 4:
            with store.writing() as connection_:
                issues.set_control(connection_, stored.id, control)
        return ""

    with mail_server(answer) as server:
        tally = run(store, stored, server, connections=2)

        assert tally.control is control
        assert 5 <= len(server.received) <= 8
        assert tally[DeliveryStatus.SENT] == len(server.received)
    assert _stand(store) == {"sent": len(server.received), "planned": 40 - len(server.received)}


def test_r11_a_letter_that_cannot_be_made_harms_no_other_and_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    """R-11: one row whose address would break the envelope."""
    add_subscribers(sqlite_store, *FIVE, "evil@example.org\r\nBcc: all@example.org")
    stored = plan(sqlite_store)

    with mail_server() as server:
        tally = run(sqlite_store, stored, server, quarantine=tmp_path / "quarantine")

        assert sorted(server.recipients()) == sorted(FIVE)
        assert tally[DeliveryStatus.QUARANTINED] == 1
        [file] = (tmp_path / "quarantine").iterdir()
        assert "CannotMake" in file.read_text()
        assert "example.org" not in file.read_text()
        assert sum(run(sqlite_store, stored, server).values()) == 0


def test_when_no_letter_can_be_made_it_is_not_the_readers(sqlite_store: Store) -> None:
    """R-11: ten in a row end the run, and the rest stays planned."""
    add_subscribers(sqlite_store, *(f"reader {n}@d{n}.example.org" for n in range(40)))

    with mail_server() as server:
        tally = run(sqlite_store, plan(sqlite_store), server)

    assert "could not be made" in tally.line_lost
    assert tally[DeliveryStatus.QUARANTINED] < 15
    assert _stand(sqlite_store)["planned"] > 25


def test_m30_no_more_letters_to_one_receiver_are_under_way_than_it_may_have(sqlite_store: Store) -> None:
    """M-30: the others go on."""
    add_subscribers(sqlite_store, *(f"r{n}@big.example.org" for n in range(12)))
    add_subscribers(sqlite_store, *(f"r{n}@d{n}.example.org" for n in range(12)))
    under_way: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def answer(stage: str, recipient: str, connection: int) -> str:
        domain = recipient.rpartition("@")[2]
        if stage == "rcpt":
            under_way[domain] += 1
            most[domain] = max(most[domain], under_way[domain])
        if stage == "message":
            under_way[domain] -= 1
        return ""

    with mail_server(answer) as server:
        run(sqlite_store, plan(sqlite_store), server, connections=8, domain_connections=2)

        assert len(server.received) == 24
        assert most["big.example.org"] <= 2


def test_m30_a_receiver_that_closes_the_service_is_left_alone_as_a_whole(store: Store) -> None:
    """M-30: the others get their letters, and nobody's try is counted who was not tried."""
    add_subscribers(store, *(f"r{n}@busy.example.org" for n in range(9)), *FIVE)
    stored = plan(store)

    def answer(stage: str, recipient: str, connection: int) -> str:
        return "421 4.3.2 closing" if stage == "rcpt" and recipient.endswith("@busy.example.org") else ""

    with mail_server(answer) as server:
        tally = run(store, stored, server, connections=2)

        assert sorted(server.recipients()) == sorted(FIVE)
        assert tally[DeliveryStatus.DEFERRED] <= 4
    with store.reading() as connection:
        tried = connection.execute(
            sa.select(sa.func.count()).where(deliveries.c.attempts > 0, deliveries.c.code == 421)
        )
        assert tried.scalar_one() <= 4
        assert domains.paused(connection, now=NOW)["busy.example.org"][0] == NOW + dt.timedelta(minutes=5)
    with mail_server() as mended:
        assert sum(run(store, stored, mended, now=NOW + dt.timedelta(minutes=2)).values()) == 0
        run(store, stored, mended, now=NOW + dt.timedelta(minutes=6))
        assert len(mended.received) == 9


def test_one_rate_holds_for_all_who_send(store: Store) -> None:
    """Two at once on Postgres, one after the other on SQLite: never more in a second than the rate says."""
    add_subscribers(store, *(f"reader@d{n}.example.org" for n in range(60)))
    stored = plan(store)
    with mail_server() as server:

        def send() -> None:
            deliver(
                store,
                stored,
                SmtpTransport("127.0.0.1", server.port, timeout=10),
                terms(rates=(Rate(20, dt.timedelta(seconds=1)),)),
                clock=lambda: dt.datetime.now(dt.UTC),
                share=True,
            )

        began = time.monotonic()
        threads = [threading.Thread(target=send) for _ in range(1 if store.is_sqlite else 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        times = sorted(received.at for received in server.received)

    assert len(times) == 60
    assert seconds > 2
    assert max(sum(start <= at < start + 0.9 for at in times) for start in times) <= 20


def test_a_rate_that_is_used_up_for_long_ends_the_run_and_says_until_when(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *FIVE)

    with mail_server() as server:
        tally = run(sqlite_store, plan(sqlite_store), server, rates=(Rate(2, dt.timedelta(days=1)),))

        assert len(server.received) == 1
    assert tally.limited > 3600


def test_an_uncertain_letter_is_held_where_the_owner_wants_it_so(store: Store) -> None:
    add_subscribers(store, "a@example.org")
    stored = plan(store)
    with mail_server(lambda stage, r, c: None if stage == "message" else "") as server:
        run(store, stored, server, hold_uncertain=True)
    with mail_server() as server:
        later = NOW + dt.timedelta(days=1)
        assert sum(run(store, stored, server, hold_uncertain=True, now=later).values()) == 0

        with store.writing() as connection:
            assert rows.send_held(connection, stored.id, now=later) == 1
        run(store, stored, server, hold_uncertain=True, now=later)

        assert server.recipients() == ["a@example.org"]


def test_a_sender_that_is_refused_for_one_letter_alone_harms_no_other(sqlite_store: Store) -> None:
    """Its letter waits: nobody loses one for a fault that may be ours."""
    add_subscribers(sqlite_store, *(f"reader@d{n}.example.org" for n in range(20)))
    stored = plan(sqlite_store)
    refuse = iter(["550 5.1.7 sender not liked"])

    with mail_server(lambda stage, r, c: next(refuse, "") if stage == "mail" else "") as server:
        tally = run(sqlite_store, stored, server)

    assert (tally[DeliveryStatus.SENT], tally[DeliveryStatus.DEFERRED]) == (19, 1)


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
@pytest.mark.parametrize(("stage", "reply"), [("data", "250 2.0.0 fine"), ("rcpt", "354 go on"), ("mail", "334 who?")])
def test_r03_an_answer_that_neither_goes_on_nor_refuses_takes_no_letter(
    sqlite_store: Store, stage: str, reply: str, extensions: list[str]
) -> None:
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    nonsense = iter([reply])

    with mail_server(lambda at, r, c: next(nonsense, "") if at == stage else "") as server:
        server.extensions = extensions
        run(sqlite_store, stored, server, connections=1)
        run(sqlite_store, stored, server, connections=1, now=NOW + dt.timedelta(hours=1))

        assert set(standing(sqlite_store).values()) == {"sent"}
        assert {*server.recipients()} == {*FIVE}


def test_r03_what_a_server_says_once_too_often_answers_no_other_letter(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    surplus = iter([b"250 2.0.0 kept\r\n250 2.0.0 kept\r\n"])

    def answer(stage: str, recipient: str, connection: int) -> str | bytes:
        if stage != "message":
            return ""
        return next(surplus, "554 5.3.0 no")

    with mail_server(answer) as server:
        server.extensions = ["PIPELINING", "CHUNKING"]
        tally = run(sqlite_store, stored, server, connections=1)

    assert (tally[DeliveryStatus.SENT], tally[DeliveryStatus.FAILED]) == (1, 4)


def test_r03_a_refusal_counts_though_the_server_hangs_up_behind_it(sqlite_store: Store) -> None:
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(15)))
    stored = plan(sqlite_store)
    refused: set[str] = set()

    def answer(stage: str, recipient: str, connection: int) -> str | None:
        if stage == "rcpt":
            refused.add(recipient)
            return "550 5.1.1 no such user"
        return None if stage == "rset" else ""

    with mail_server(answer) as server:
        tally = run(sqlite_store, stored, server, connections=1)

    assert not tally.line_lost
    assert tally[DeliveryStatus.FAILED] == len(refused) == 15


def test_m30_what_a_server_says_between_two_letters_is_no_answer_to_the_next(sqlite_store: Store) -> None:
    """A relay that closes an idle line has refused no letter, and no receiver is in trouble."""
    add_subscribers(sqlite_store, *FIVE)
    stored = plan(sqlite_store)
    closing = iter([b"250 2.0.0 kept\r\n421 4.4.2 idle for too long\r\n"])

    with mail_server(lambda at, r, c: next(closing, "") if at == "message" else "") as server:
        tally = run(sqlite_store, stored, server, connections=1)

        assert tally[DeliveryStatus.SENT] == 5
        assert sorted(server.recipients()) == sorted(FIVE)


def test_m25_who_is_unknown_to_the_server_is_suppressed_and_nobody_else(store: Store) -> None:
    """M-25: heard in our own conversation; a full mailbox and a policy change nobody."""
    refs = add_subscribers(store, "gone@a.example.org", "full@b.example.org", "spam@c.example.org", "ok@d.example.org")
    words = {"gone": "550 5.1.1 user unknown", "full": "552 5.2.2 mailbox full", "spam": "550 5.7.1 spam"}

    with mail_server(lambda stage, r, c: words.get(r.partition("@")[0], "") if stage == "rcpt" else "") as server:
        tally = run(store, plan(store), server)

    assert (tally[DeliveryStatus.SENT], tally[DeliveryStatus.FAILED]) == (1, 3)
    with store.reading() as connection:
        states = {row.ref: row.state for row in connection.execute(sa.select(subscribers.c.ref, subscribers.c.state))}
    assert [states[ref] for ref in refs] == ["suppressed", "active", "active", "active"]
