"""What is done about mail and events that come back: M-20, M-22, M-24, M-25, M-27, M-28, M-38, P-07."""

from __future__ import annotations

import datetime as dt
import logging
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.keys import load_keys, rotate
from pipeline.mail import verp
from pipeline.mail.bounces import DONE, ReadMail
from pipeline.mail.bounces.decide import Action
from pipeline.mail.bounces.intake import Finding, Intake, News, mail_key, take_in_refusal
from pipeline.mail.bounces.reading import Kind, Reading
from pipeline.mail.bounces.sources import Found
from pipeline.mail.bounces.whose import Clues
from pipeline.model import BounceClass, Reply, State
from pipeline.store import Store, bounces, deliveries, domains, notices, tables
from pipeline.store.notices import NoticeKind
from tests.mail.bounces.postroom import DEAD, FULL, GONE, REFUSED, Postroom, said_of


def _state_of_everything(room: Postroom) -> list[object]:
    """All that a bounce could change, but for the row that says it came."""
    return [room.rows(table) for table in tables.metadata.sorted_tables if table.name != "bounces"]


# --- whose is it --------------------------------------------------------------------------------------------------------------


def test_a_bounce_to_a_letters_own_address_suppresses_exactly_its_reader(postroom_of_each: Postroom) -> None:
    """M-22, M-24, M-25"""
    room = postroom_of_each
    dead, alive = room.people("dead@example.org", "alive@example.org")
    issue = room.send(dead, alive)

    report = room.take(room.bounce(dead, issue))

    assert (room.state(dead), room.state(alive)) == (State.SUPPRESSED, State.ACTIVE)
    assert room.reason() == ["bounce"]
    assert report.count(Action.SUPPRESSED) == 1
    [row] = room.rows(tables.bounces)
    assert (row.kind, row.category, row.issue_id, row.domain) == ("bounce", "address", issue, "example.org")
    assert (row.status, row.code, row.diagnostic) == ("5.1.1", 550, "550 5.1.1 user unknown")


def test_a_suppression_by_bounce_is_a_consent_row(postroom: Postroom) -> None:
    [ref] = postroom.people("dead@example.org")

    postroom.take(postroom.bounce(ref, postroom.send(ref)))

    assert [(row.event, row.method, row.detail) for row in postroom.rows(tables.consents)] == [
        ("suppressed", "bounce", "bounce")
    ]


def test_a_link_that_came_back_names_the_reader(postroom: Postroom) -> None:
    """M-24"""
    [ref] = postroom.people("dead@example.org")
    postroom.send(ref, key="daily-2026-11-23")
    clues = Clues(returned=(postroom.link(ref),), message_ids=(postroom.message_id(ref, "daily-2026-11-23"),))

    postroom.take(postroom.news(clues, findings=(DEAD,)))

    assert postroom.state(ref) is State.SUPPRESSED
    assert [row.issue_id for row in postroom.rows(tables.bounces)] == [postroom.issue("daily-2026-11-23")]


def test_a_message_id_of_ours_names_the_recipient_for_whom_it_was_made(postroom: Postroom) -> None:
    """M-24"""
    mine, other = postroom.people("mine@example.org", "other@example.org")
    postroom.send(mine, other, key="each-grid.v2")
    clues = Clues(
        message_ids=("<a@b.test>", postroom.message_id(mine, "each-grid.v2")),
        recipients=("other@example.org", "not an address", "MINE@example.org"),
    )

    postroom.take(postroom.news(clues, findings=(said_of(DEAD, "MINE@example.org"),)))

    assert (postroom.state(mine), postroom.state(other)) == (State.SUPPRESSED, State.ACTIVE)


def test_a_message_id_without_the_issue_names_its_letter_too(postroom: Postroom) -> None:
    """M-07, M-24"""
    [ref] = postroom.people("mine@example.org")
    for day in range(3):
        postroom.send(ref, key=f"daily-2026-11-2{day}")
    whole = postroom.message_id(ref, "daily-2026-11-21")
    clues = Clues(
        message_ids=(f"<{whole.rpartition('.org')[0].rpartition('.')[2]}.org>",), recipients=("mine@example.org",)
    )

    postroom.take(postroom.news(clues, findings=(DEAD,)))

    assert postroom.state(ref) is State.SUPPRESSED
    assert postroom.rows(tables.bounces)[0].issue_id == postroom.issue("daily-2026-11-21")


def test_a_message_id_of_somebody_elses_letter_changes_nobody(postroom: Postroom) -> None:
    """M-24: whoever has one letter of ours cannot drop another reader with it."""
    mine, victim = postroom.people("mine@example.org", "victim@example.org")
    postroom.send(mine, victim, key="daily-2026-11-23")
    before = _state_of_everything(postroom)
    clues = Clues(
        message_ids=(postroom.message_id(mine, "daily-2026-11-23"),),
        recipients=("victim@example.org",),
    )

    report = postroom.take(postroom.news(clues, findings=(said_of(DEAD, "victim@example.org"),)))

    assert _state_of_everything(postroom) == before
    assert [item.action for item in report.settled] == [Action.UNSIGNED]


def test_an_address_alone_changes_nobody_and_is_written_down(postroom_of_each: Postroom) -> None:
    """M-24"""
    room = postroom_of_each
    [ref] = room.people("victim@example.org")
    room.send(ref)
    before = _state_of_everything(room)
    named = Clues(came_to=("bounces@example.org",), recipients=("victim@example.org",))

    room.take(room.news(named, findings=(said_of(DEAD, "victim@example.org"),)))
    room.take(room.news(named, kind=Kind.COMPLAINT, feedback="abuse"))

    assert _state_of_everything(room) == before
    assert room.actions() == ["unsigned", "unsigned"]
    assert [row.subscriber_id for row in room.rows(tables.bounces)] == [None, None]


def test_no_changed_signature_changes_anybody(postroom: Postroom) -> None:
    """M-22, M-24"""
    [ref] = postroom.people("victim@example.org")
    issue = postroom.send(ref)
    genuine = postroom.envelope(ref, issue)
    before = _state_of_everything(postroom)
    dice = random.Random(1)
    forged = []
    for _ in range(300):
        place = dice.randrange(2, genuine.index("@"))
        letter = dice.choice("abcdefghijklmnopqrstuvwxyz234567".replace(genuine[place], ""))
        forged.append(genuine[:place] + letter + genuine[place + 1 :])

    report = postroom.take(*(postroom.news(Clues(came_to=(address,)), findings=(DEAD,)) for address in forged))

    assert _state_of_everything(postroom) == before
    assert report.count(Action.UNSIGNED) == 300


def test_old_keys_still_name_whom_they_signed_for(postroom: Postroom) -> None:
    """M-24"""
    [ref] = postroom.people("dead@example.org")
    bounce = postroom.bounce(ref, postroom.send(ref))
    rotate(postroom.settings.state_dir, "token", now=postroom.now)

    postroom.take(bounce)

    assert postroom.state(ref) is State.SUPPRESSED


def test_a_bounced_confirmation_suppresses_the_address(postroom: Postroom) -> None:
    """M-22: a notice's envelope sender"""
    [ref] = postroom.people("typo@example.org", state="pending", confirmed_at=None)
    keys = load_keys(postroom.settings.state_dir, "token")
    address = f"{verp.local_part(keys, verp.About(verp.Kind.NOTICE, ref, 7))}@bounce.example.org"

    postroom.take(postroom.news(Clues(came_to=(address,)), findings=(DEAD,)))

    assert postroom.state(ref) is State.SUPPRESSED


def test_an_issue_that_is_no_more_does_not_stop_the_bounce(postroom: Postroom) -> None:
    [ref] = postroom.people("dead@example.org")

    postroom.take(postroom.bounce(ref, 12345))

    assert postroom.state(ref) is State.SUPPRESSED


def test_what_is_said_of_the_reader_counts_and_not_what_is_said_of_others(postroom: Postroom) -> None:
    [ref] = postroom.people("a@example.org")
    issue = postroom.send(ref)
    both = (said_of(DEAD, "b@example.org"), said_of(REFUSED, "A@example.org"))

    postroom.take(postroom.news(Clues(came_to=(postroom.envelope(ref, issue),)), findings=both))

    assert postroom.state(ref) is State.ACTIVE


def test_of_several_others_the_mildest_counts(postroom: Postroom) -> None:
    [ref] = postroom.people("list@example.org")
    issue = postroom.send(ref)
    others = (said_of(DEAD, "b@example.org"), said_of(FULL, "c@example.org"))

    postroom.take(postroom.news(Clues(came_to=(postroom.envelope(ref, issue),)), findings=others))

    assert (postroom.state(ref), postroom.actions()) == (State.ACTIVE, ["counted"])


# --- twice --------------------------------------------------------------------------------------------------------------------


def test_what_comes_twice_counts_once(postroom_of_each: Postroom) -> None:
    """M-25"""
    room = postroom_of_each
    [ref] = room.people("full@example.org")
    bounce = room.bounce(ref, room.send(ref), FULL)

    first, second = room.take(bounce), room.take(bounce, bounce)

    assert first.count(Action.COUNTED) == 1
    assert second.count(Action.AGAIN) == 2
    assert room.actions() == ["counted"]


def test_what_four_take_in_at_once_counts_once(postroom_of_each: Postroom) -> None:
    """M-25: a hook that is called again, and two machines that read one mailbox."""
    room = postroom_of_each
    refs = room.people(*(f"p{number}@example.org" for number in range(10)))
    issue = room.send(*refs)
    news = [room.bounce(ref, issue, finding) for ref in refs for finding in (FULL, DEAD)]

    def take(order: int) -> Intake:
        mixed = news.copy()
        random.Random(order).shuffle(mixed)
        return room.take(*mixed)

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(take, range(4)))

    assert sum(report.count(Action.AGAIN) for report in reports) == 60
    assert {room.state(ref) for ref in refs} == {State.SUPPRESSED}
    assert len(room.rows(tables.consents)) == 10
    assert len(room.rows(tables.bounces)) == 20


def test_a_mail_is_the_same_however_its_lines_end() -> None:
    assert mail_key(b"A: b\r\n\r\nc\r\n") == mail_key(b"A: b\n\nc\n") != mail_key(b"A: b\n\nd\n")


def test_one_whom_the_operator_brings_back_is_not_dropped_again_by_the_old_mail(postroom: Postroom) -> None:
    [ref] = postroom.people("back@example.org")
    bounce = postroom.bounce(ref, postroom.send(ref))
    postroom.take(bounce)
    with postroom.store.writing() as connection:  # as a new confirmation does
        connection.execute(tables.suppressions.delete())
        connection.execute(
            tables.subscribers.update().values(state="active", confirmed_at=postroom.now + dt.timedelta(days=1))
        )

    postroom.take(bounce)

    assert postroom.state(ref) is State.ACTIVE


# --- the table of classes, with the database behind it ------------------------------------------------------------------------


def test_a_full_mailbox_is_given_up_after_five_days_over_two_weeks(postroom_of_each: Postroom) -> None:
    """M-25"""
    room = postroom_of_each
    [ref] = room.people("full@example.org")
    states = []
    for _ in range(5):
        room.take(room.bounce(ref, room.send(ref), FULL))
        states.append(room.state(ref).value)
        room.days(3.5)

    assert states == ["active", "active", "active", "active", "suppressed"]


def test_a_daily_reader_with_a_full_mailbox_has_two_weeks(postroom: Postroom) -> None:
    """M-25"""
    [ref] = postroom.people("full@example.org")
    for day in range(15):
        assert postroom.state(ref) is State.ACTIVE, day
        postroom.take(postroom.bounce(ref, postroom.send(ref), FULL))
        postroom.days(1)

    assert postroom.state(ref) is State.SUPPRESSED


def test_a_letter_that_arrives_between_starts_the_count_anew(postroom: Postroom) -> None:
    """M-25"""
    [ref] = postroom.people("full@example.org")
    for round_ in range(8):
        issue = postroom.send(ref)
        if round_ != 3:
            postroom.take(postroom.bounce(ref, issue, FULL))
        postroom.days(7)

    assert postroom.state(ref) is State.ACTIVE


def test_one_mailbox_counts_at_most_once_a_day(postroom: Postroom) -> None:
    """M-25"""
    [ref] = postroom.people("full@example.org")
    issues = [postroom.send(ref, key=f"each-{number}") for number in range(3)]

    postroom.take(*(postroom.bounce(ref, issue, FULL) for issue in issues))

    assert postroom.actions() == ["counted", "noted", "noted"]


def test_a_dead_domain_is_given_up_on_the_third_day(postroom: Postroom) -> None:
    """M-25"""
    [ref] = postroom.people("a@gone.test")
    states = []
    for _ in range(3):
        postroom.take(postroom.bounce(ref, postroom.send(ref), GONE))
        states.append(postroom.state(ref).value)
        postroom.days(1)

    assert states == ["active", "active", "suppressed"]


def test_bounces_of_two_weeks_that_are_read_at_once_count_by_the_day_of_their_letters(postroom: Postroom) -> None:
    [ref] = postroom.people("full@example.org")
    waiting = []
    for _ in range(6):
        waiting.append(postroom.bounce(ref, postroom.send(ref), FULL))
        postroom.days(3)

    postroom.take(*waiting)

    assert postroom.state(ref) is State.SUPPRESSED


HARMLESS = (
    (Kind.BOUNCE, BounceClass.POLICY, ""),
    (Kind.BOUNCE, BounceClass.GREYLIST, ""),
    (Kind.DELAY, BounceClass.ADDRESS, ""),
    (Kind.DELIVERED, BounceClass.ADDRESS, ""),
    (Kind.AUTO_REPLY, BounceClass.ADDRESS, ""),
    (Kind.OTHER, BounceClass.ADDRESS, ""),
    (Kind.COMPLAINT, BounceClass.ADDRESS, "not-spam"),
    (Kind.COMPLAINT, BounceClass.ADDRESS, "auth-failure"),
    (Kind.COMPLAINT, BounceClass.ADDRESS, "virus"),
)


@hypothesis_settings(max_examples=25)
@given(events=st.lists(st.tuples(st.sampled_from(HARMLESS), st.sampled_from([0.1, 1, 4])), min_size=1, max_size=20))
def test_no_order_of_bounces_drops_a_reader_for_what_may_be_our_fault(
    events: list[tuple[tuple[Kind, BounceClass, str], float]],
    sqlite_store: Store,
    settings: Settings,
    now: dt.datetime,
) -> None:
    """M-25: policy, greylisting, delays, answers and doubtful complaints, in any order and number, over two months."""
    room = Postroom(sqlite_store, settings, now)
    number = len(room.rows(tables.subscribers))
    room.came = 1_000 * number
    [ref] = room.people(f"a{number}@example.org")
    for (kind, category, feedback), pause in events:
        issue = room.send(ref, key=f"each-{room.came}")
        room.take(room.bounce(ref, issue, Finding(category=category), kind=kind, feedback=feedback))
        room.days(pause)

    assert room.state(ref) is State.ACTIVE


# --- a suppression is respected -----------------------------------------------------------------------------------------------


def test_who_was_dropped_by_a_bounce_is_not_claimed_any_more(postroom_of_each: Postroom) -> None:
    """P-07"""
    room = postroom_of_each
    dead, alive = room.people("dead@example.org", "alive@example.org")
    yesterday = room.send(dead, alive)
    room.days(1)
    today = room.send(dead, alive, status="planned")

    room.take(room.bounce(dead, yesterday))

    with room.store.writing() as connection:
        claimed = deliveries.claim(connection, today, 1, limit=10, now=room.now)
    assert [claim.email for claim in claimed.claims] == ["alive@example.org"]
    assert claimed.held_back == 1


# --- leaving by mail ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_a_mail_to_the_unsubscribe_address_unsubscribes_whatever_it_says(postroom: Postroom, kind: Kind) -> None:
    """M-20"""
    [ref] = postroom.people("reader@example.org")

    report = postroom.take(postroom.news(Clues(came_to=(postroom.leaving(ref).upper(),)), kind=kind, raw=b"secret"))

    assert postroom.state(ref) is State.UNSUBSCRIBED
    assert report.count(Action.UNSUBSCRIBED) == 1
    assert [(row.event, row.method) for row in postroom.rows(tables.consents)] == [("withdrawn", "mail")]
    assert postroom.rows(tables.bounces)[0].raw is None


def test_nothing_that_comes_back_is_answered(postroom: Postroom) -> None:
    """M-38"""
    [ref] = postroom.people("reader@example.org")
    issue = postroom.send(ref)
    for kind in Kind:
        postroom.take(postroom.bounce(ref, issue, FULL, kind=kind), postroom.news(Clues(), kind=kind))
    postroom.take(postroom.news(Clues(came_to=(postroom.leaving(ref),)), kind=Kind.OTHER))

    assert postroom.rows(tables.notices) == []
    assert len(postroom.rows(tables.deliveries)) == 1
    assert not list(postroom.settings.state_dir.glob("outbox/**/*.eml"))


def test_a_link_in_a_returned_letter_names_its_reader_and_does_not_unsubscribe(postroom: Postroom) -> None:
    """M-20, M-24: a vacation note quotes the letter it answers."""
    [ref] = postroom.people("reader@example.org")
    quoted = Clues(returned=(postroom.link(ref), f"<mailto:{postroom.leaving(ref)}>"))

    postroom.take(postroom.news(quoted, kind=Kind.AUTO_REPLY))

    assert postroom.state(ref) is State.ACTIVE


# --- complaints ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feedback", ["abuse", "opt-out", "opt-out-list", "ABUSE"])
def test_who_calls_a_letter_spam_gets_none_any_more(postroom: Postroom, feedback: str) -> None:
    """M-27"""
    angry, other = postroom.people("angry@example.org", "other@example.org")
    issue = postroom.send(angry, other)

    postroom.take(postroom.complaint(angry, issue, feedback))

    assert (postroom.state(angry), postroom.state(other)) == (State.SUPPRESSED, State.ACTIVE)
    assert postroom.reason() == ["complaint"]


def test_fraud_and_viruses_are_told_to_the_operator_and_drop_nobody(
    postroom: Postroom, caplog: pytest.LogCaptureFixture
) -> None:
    """M-27"""
    caplog.set_level(logging.WARNING, "opensignal")
    [ref] = postroom.people("reader@example.org")
    issue = postroom.send(ref)

    report = postroom.take(
        postroom.complaint(ref, issue, "fraud"),
        postroom.news(Clues(), kind=Kind.COMPLAINT, feedback="virus"),
        postroom.complaint(ref, issue, "not-spam"),
    )

    assert postroom.state(ref) is State.ACTIVE
    assert len(report.alarms) == 2
    assert '"fraud" from example.org' in caplog.text
    assert "reader@" not in caplog.text


# --- receivers ----------------------------------------------------------------------------------------------------------------


def test_twenty_refusals_pause_the_domain_and_tell_the_operator_once(
    postroom_of_each: Postroom, caplog: pytest.LogCaptureFixture
) -> None:
    """M-25"""
    caplog.set_level(logging.WARNING, "opensignal")
    room = postroom_of_each
    refs = room.people(*(f"p{number}@big.test" for number in range(1_000)))
    issue = room.send(*refs)

    for ref in refs[:19]:
        room.take(room.bounce(ref, issue, REFUSED))
    with room.store.reading() as connection:
        before = domains.paused(connection, now=room.now)
    reports = [room.take(room.bounce(ref, issue, REFUSED)) for ref in refs[19:22]]

    assert before == {}
    assert [len(report.alarms) for report in reports] == [1, 0, 0]
    with room.store.reading() as connection:
        assert list(domains.paused(connection, now=room.now)) == ["big.test"]
    assert {room.state(ref) for ref in refs[:22]} == {State.ACTIVE}
    assert "big.test" in caplog.text


def test_one_refusal_in_twenty_is_enough_for_a_small_domain(postroom: Postroom) -> None:
    """M-25"""
    refs = postroom.people(*(f"p{number}@small.test" for number in range(60)))
    issue = postroom.send(*refs)

    reports = [postroom.take(postroom.bounce(ref, issue, REFUSED)) for ref in refs[:3]]

    assert [len(report.alarms) for report in reports] == [0, 0, 1]


def test_one_reader_alone_pauses_no_domain_however_much_they_write(postroom: Postroom) -> None:
    """M-25: the address of a letter of their own is signed, and they may write to it what they like."""
    [ref] = postroom.people("reader@big.test")
    issues = [postroom.send(ref, key=f"each-{number}") for number in range(5)]

    report = postroom.take(*(postroom.bounce(ref, issues[number % 5], REFUSED) for number in range(40)))

    assert report.alarms == ()
    with postroom.store.reading() as connection:
        assert domains.paused(connection, now=postroom.now) == {}


def test_a_receiver_is_looked_at_again_when_what_it_said_comes_again(postroom: Postroom) -> None:
    """M-28: whoever took it in may have been stopped before it came to that."""
    refs = postroom.people(*(f"p{number}@big.test" for number in range(100)))
    issue = postroom.send(*refs)
    complaints = [postroom.complaint(ref, issue) for ref in refs[:5]]
    postroom.take(*complaints)
    with postroom.store.writing() as connection:
        connection.execute(tables.stops.delete())

    again, once_more = postroom.take(complaints[0]), postroom.take(complaints[0])

    assert [len(again.alarms), len(once_more.alarms)] == [1, 0]
    assert len(postroom.rows(tables.stops)) == 1


def test_forged_refusals_pause_no_domain(postroom: Postroom) -> None:
    """M-24"""
    postroom.send(*postroom.people("reader@big.test"))

    postroom.take(*(postroom.news(Clues(), findings=(said_of(REFUSED, "reader@big.test"),)) for _ in range(30)))

    with postroom.store.reading() as connection:
        assert domains.paused(connection, now=postroom.now) == {}


def test_too_many_complaints_stop_the_rest_of_the_issue_at_that_receiver_only(postroom_of_each: Postroom) -> None:
    """M-28"""
    room = postroom_of_each
    angry = room.people(*(f"p{number}@big.test" for number in range(1_000)))
    waiting = room.people(*(f"w{number}@big.test" for number in range(10)))
    elsewhere = room.people("x@other.test")
    issue = room.send(*angry)
    room.send(*waiting, *elsewhere, status="planned")

    reports = [room.take(room.complaint(ref, issue)) for ref in angry[:5]]

    assert [len(report.alarms) for report in reports] == [0, 1, 1, 1, 1]  # from 0.2 % on it is told
    assert "the rest of the issue is not sent there" in reports[-1].alarms[0]
    with room.store.writing() as connection:
        assert bounces.stopped_domains(connection, issue) == {"big.test"}
        claimed = deliveries.claim(connection, issue, 1, limit=100, now=room.now)
    assert [claim.email for claim in claimed.claims] == ["x@other.test"]
    held = [row for row in room.rows(tables.deliveries) if row.status == "suppressed"]
    assert len(held) == 10
    assert held[0].reply == "not sent: 5 of 1000 readers at big.test called this issue spam"


def test_a_reader_who_complains_twice_is_one(postroom: Postroom) -> None:
    """M-28"""
    refs = postroom.people(*(f"p{number}@big.test" for number in range(100)))
    issue = postroom.send(*refs)

    postroom.take(*(postroom.complaint(refs[0], issue) for _ in range(9)))

    with postroom.store.reading() as connection:
        assert bounces.stopped_domains(connection, issue) == set()


# --- what is kept -------------------------------------------------------------------------------------------------------------


def test_no_address_stands_in_what_a_server_said(postroom_of_each: Postroom) -> None:
    """M-25"""
    room = postroom_of_each
    [ref] = room.people("jane.doe@example.org")
    said = (
        'rfc822; <Jane.Doe@example.org>: "jane doe"@example.org, user jane.doe\0 unknown \udc80 (x%40y.test)'
        + "!" * 5_000
    )
    finding = Finding("jane.doe@example.org", BounceClass.UNKNOWN, "5.0.0" * 9, 99999, said)

    room.take(room.bounce(ref, room.send(ref), finding, raw=b"x" * 100_000))

    [row] = room.rows(tables.bounces)
    assert "jane" not in row.diagnostic.lower()
    assert "unknown" in row.diagnostic
    assert len(row.diagnostic) <= 500
    assert row.code is None
    assert len(row.raw) == bounces.RAW_LENGTH


@pytest.mark.parametrize(
    ("kind", "finding", "feedback", "signed", "kept"),
    [
        ("bounce", DEAD, "", True, True),
        ("bounce", DEAD, "", False, False),
        ("bounce", Finding(), "", False, True),
        ("complaint", DEAD, "abuse", True, True),
        ("complaint", DEAD, "abuse", False, False),
        ("complaint", DEAD, "fraud", False, True),
        ("other", DEAD, "", True, False),
        ("auto-reply", DEAD, "", True, False),
        ("delay", DEAD, "", True, False),
    ],
)
def test_the_mail_itself_is_kept_only_where_a_person_may_have_to_look(
    postroom: Postroom, kind: str, finding: Finding, feedback: str, signed: bool, kept: bool
) -> None:
    """P-13"""
    [ref] = postroom.people("reader@example.org")
    clues = Clues(came_to=(postroom.envelope(ref, postroom.send(ref)),)) if signed else Clues()

    postroom.take(postroom.news(clues, kind=Kind(kind), findings=(finding,), feedback=feedback, raw=b"a mail"))

    assert (postroom.rows(tables.bounces)[0].raw is not None) is kept


def test_what_a_person_should_look_at_is_shown_newest_first(postroom_of_each: Postroom) -> None:
    """M-25: a sample of each unknown refusal is kept."""
    room = postroom_of_each
    [ref] = room.people("a@example.org")
    issue = room.send(ref)
    odd = Finding(category=BounceClass.UNKNOWN, status="5.0.0", diagnostic="computer says no")
    room.take(
        room.bounce(ref, issue, odd, raw=b"the mail"),
        room.bounce(ref, issue, FULL),
        room.complaint(ref, issue, "virus", raw=b"the report"),
        room.complaint(ref, issue, "not-spam"),
    )

    with room.store.reading() as connection:
        found = bounces.samples(connection, limit=10)

    assert [(str(bounce), mail) for bounce, mail in found] == [
        ("2026-11-23 09:00 complaint virus example.org", b"the report"),
        ("2026-11-23 09:00 bounce unknown example.org 5.0.0: computer says no", b"the mail"),
    ]


def test_a_message_id_of_a_notice_names_its_reader(postroom: Postroom) -> None:
    """M-24"""
    [ref] = postroom.people("typo@example.org", state="pending", confirmed_at=None)
    with postroom.store.writing() as connection:
        notices.add(connection, kind=NoticeKind.WELCOME, subscriber_id=1, now=postroom.now)
    clues = Clues(message_ids=(postroom.message_id(ref, "notice-1"),), recipients=("typo@example.org",))

    postroom.take(postroom.news(clues, findings=(DEAD,)))

    assert postroom.state(ref) is State.SUPPRESSED


def test_news_of_a_reader_who_was_erased_changes_nothing(postroom: Postroom) -> None:
    [ref] = postroom.people("gone@example.org")
    issue = postroom.send(ref)
    with postroom.store.writing() as connection:
        connection.execute(tables.subscribers.update().values(email=None, email_key=None, state="suppressed"))

    postroom.take(postroom.bounce(ref, issue), postroom.complaint(ref, issue))

    assert postroom.actions() == ["noted", "noted"]
    assert postroom.reason() == []


def test_a_refusal_in_a_conversation_of_ours_counts_as_one_that_comes_back(postroom_of_each: Postroom) -> None:
    """M-25"""
    room = postroom_of_each
    [ref] = room.people("full@example.org")
    keys = load_keys(room.settings.state_dir, "suppression")
    actions = []
    for _ in range(5):
        issue = room.send(ref, status="failed")
        with room.store.writing() as connection:
            for _ in range(2):
                reply = Reply(552, "5.2.2", "<full@example.org> is over quota")
                action = take_in_refusal(
                    connection,
                    ref,
                    issue_id=issue,
                    reply=reply,
                    about=BounceClass.MAILBOX,
                    suppression_key=keys,
                    now=room.now,
                )
                actions.append(action.value)
        room.days(4)

    assert actions == [*["counted", "again"] * 4, "suppressed", "again"]
    assert room.state(ref) is State.SUPPRESSED
    assert {(row.origin, row.diagnostic) for row in room.rows(tables.bounces)} == {
        ("smtp", "<[address]> is over quota")
    }


@hypothesis_settings(max_examples=60)
@given(
    text=st.text(max_size=300),
    address=st.text(max_size=80),
    code=st.integers(-(2**40), 2**40),
    feedback=st.text(max_size=40),
    kind=st.sampled_from(Kind),
)
def test_no_words_break_the_intake(
    postroom_of_each: Postroom, text: str, address: str, code: int, feedback: str, kind: Kind
) -> None:
    """M-24: names and words are the sender's."""
    room = postroom_of_each
    clues = Clues((text, address), (text, f"/unsubscribe/{text}"), (text,), (address, text))
    finding = Finding(address, BounceClass.ADDRESS, text, code, text)
    news = News(mail_key(repr((text, address, code, feedback, kind)).encode()), kind, clues, (finding,), feedback)

    report = room.take(news)

    assert report.settled[0].action in (Action.UNSIGNED, Action.NOTED, Action.ALARM, Action.AGAIN)


@pytest.mark.parametrize(
    ("action", "told"), [(Action.UNSUBSCRIBED, True), (Action.SUPPRESSED, True), (Action.NOTED, False)]
)
def test_what_was_done_about_a_mail_that_names_nobody_is_told(action: Action, told: bool) -> None:
    mail = ReadMail(Found("leave.eml", "file"), Reading(Kind.OTHER))

    report, line = mail.as_dict(action.value), mail.line(action.value)

    assert report == {
        "file": "leave.eml",
        "kind": "other",
        "recipients": [],
        **({"action": action.value} if told else {}),
    }
    assert line == (f"leave.eml: other; {action.value}" if told else "leave.eml: other")


def test_the_report_knows_each_action_that_does_something() -> None:
    nothing = {Action.NOTED, Action.UNSIGNED, Action.AGAIN}

    assert set(DONE) == {action.value for action in Action if action not in nothing}
