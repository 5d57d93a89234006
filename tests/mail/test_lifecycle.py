"""The subscriber's life: the table of moves, each act, and any order of acts held against a simple model."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pipeline.mail import lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.mail.lifecycle import ChoiceError, Event, Imported, Outcome, Result, Skipped, move, parse_choice
from pipeline.model import Cadence, Choice, State, Subscriber
from pipeline.store import Store, consents, subscribers, suppressions, tables
from pipeline.store.consents import ConsentEvent, Evidence, Method
from pipeline.store.engine import connect
from pipeline.store.notices import NoticeKind
from pipeline.store.suppressions import Reason

KEY = b"k" * 32
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
FORM, LINK = Evidence(Method.FORM, "https://signals.example.org/subscribe"), Evidence(Method.LINK)
DAILY = Choice()
WEEKLY_POWER = Choice(Cadence.WEEKLY, frozenset({"power"}))


@dataclass
class Life:
    """Acts on one database, each in its own transaction, as the web page or the worker would."""

    store: Store

    def ask(self, email: str, choice: Choice = DAILY, *, now: dt.datetime = NOW) -> NoticeKind | None:
        with self.store.writing() as c:
            return lifecycle.sign_up_requested(c, parse_address(email), choice, FORM, asked_at=now, key=KEY, now=now)

    def confirm(self, ref: str, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.confirm(c, ref, LINK, key=KEY, now=now)

    def decline(self, ref: str, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.decline(c, ref, LINK, key=KEY, now=now)

    def unsubscribe(self, person: Subscriber, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.unsubscribe(c, person.ref, LINK, now=now)

    def resubscribe(self, person: Subscriber, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.resubscribe(c, person.ref, LINK, now=now)

    def change(self, person: Subscriber, choice: Choice, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.change_choice(c, person.ref, choice, LINK, now=now)

    def pause(self, person: Subscriber, until: dt.datetime | None, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.pause(c, person.ref, LINK, until=until, now=now)

    def resume(self, person: Subscriber, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.resume(c, person.ref, LINK, now=now)

    def suppress(self, person: Subscriber, why: Reason, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.suppress(c, person.ref, why, Evidence(Method.BOUNCE), key=KEY, now=now)

    def erase(self, person: Subscriber, *, now: dt.datetime = NOW) -> Result:
        with self.store.writing() as c:
            return lifecycle.erase(c, person.ref, Evidence(Method.COMMAND), key=KEY, now=now)

    def bring(self, *emails: str, vouched: bool = True, now: dt.datetime = NOW) -> list[Skipped | None]:
        rows = [Imported(parse_address(email), DAILY, None) for email in emails]
        with self.store.writing() as c:
            return lifecycle.import_rows(
                c,
                rows,
                Evidence(Method.IMPORT),
                vouched=vouched,
                detail="source: a list; basis: consent",
                first_id=subscribers.last_id(c),
                key=KEY,
                now=now,
            )

    def joined(self, email: str, choice: Choice = DAILY, *, now: dt.datetime = NOW) -> Subscriber:
        self.ask(email, choice, now=now)
        found = self.confirm(self.question(email), now=now).subscriber
        assert found is not None
        assert found.state is State.ACTIVE
        return found

    def person(self, email: str) -> Subscriber:
        found = self.find(email)
        assert found is not None
        return found

    def find(self, email: str) -> Subscriber | None:
        with self.store.reading() as c:
            return subscribers.find(c, parse_address(email).key)

    def question(self, email: str) -> str:
        """The ref of the newest confirmation sent to the address."""
        t = tables.confirmations.c
        with self.store.reading() as c:
            query = sa.select(t.ref).where(t.subscriber_id == self.person(email).id).order_by(t.id.desc()).limit(1)
            return str(c.execute(query).scalar_one())

    def history(self, person: Subscriber) -> list[ConsentEvent]:
        with self.store.reading() as c:
            return [consent.event for consent in consents.of(c, person.id)]

    def mails(self, person: Subscriber) -> list[str]:
        t = tables.notices.c
        with self.store.reading() as c:
            return list(c.execute(sa.select(t.kind).where(t.subscriber_id == person.id).order_by(t.id)).scalars())


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


@pytest.fixture
def sqlite_life(sqlite_store: Store) -> Life:
    return Life(sqlite_store)


# --- the table of moves ----------------------------------------------------------------------------------------------------------


def test_every_event_is_in_the_table_and_in_its_picture() -> None:
    assert set(lifecycle.MOVES) == set(Event)
    picture = {}
    for line in (lifecycle.__doc__ or "").splitlines():
        words = line.replace("(1)", "").replace("(2)", "").replace("(3)", "").split()
        if words and words[0] in set(Event) and len(words) == 7:
            picture[Event(words[0])] = [None if w == "-" else State(w) for w in words[1:]]

    columns = [None, State.PENDING, State.ACTIVE, State.PAUSED, State.UNSUBSCRIBED, State.SUPPRESSED]
    assert picture == {event: [move(state, event) for state in columns] for event in Event}


@pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.DECLINE, Event.SUPPRESS, Event.ERASE])
def test_everybody_may_leave_from_everywhere(event: Event) -> None:
    assert all(move(state, event) in (State.UNSUBSCRIBED, State.SUPPRESSED) for state in State)


def test_nothing_but_the_persons_own_word_makes_a_silent_state_active() -> None:
    silent = (State.PENDING, State.UNSUBSCRIBED, State.SUPPRESSED)

    loud = {event for event in Event for state in silent if move(state, event) in (State.ACTIVE, State.PAUSED)}

    assert loud == {Event.CONFIRM, Event.RETURN}


# --- coming ----------------------------------------------------------------------------------------------------------------------


def test_a_new_address_is_asked_to_confirm_and_gets_no_issue_before(life: Life) -> None:
    sent = life.ask("a@example.org", WEEKLY_POWER)

    person = life.person("a@example.org")
    assert sent is NoticeKind.CONFIRM
    assert person.state is State.PENDING
    assert not person.receives_mail(NOW)
    assert life.history(person) == [ConsentEvent.ASKED]
    assert life.mails(person) == ["confirm"]


def test_a_confirmed_subscriber_gets_what_was_asked_for_and_a_welcome(life: Life) -> None:
    life.ask("a@example.org", WEEKLY_POWER)

    result = life.confirm(life.question("a@example.org"), now=NOW + HOUR)

    person = life.person("a@example.org")
    assert result == Result(Outcome.DONE, person)
    assert (person.state, person.choice, person.confirmed_at) == (State.ACTIVE, WEEKLY_POWER, NOW + HOUR)
    assert life.history(person) == [ConsentEvent.ASKED, ConsentEvent.CONFIRMED]
    assert life.mails(person) == ["confirm", "welcome"]


def test_confirming_twice_says_so_and_writes_nothing(life: Life) -> None:
    person = life.joined("a@example.org")

    result = life.confirm(life.question("a@example.org"), now=NOW + 3 * DAY)

    assert result.outcome is Outcome.ALREADY
    assert life.history(person) == [ConsentEvent.ASKED, ConsentEvent.CONFIRMED]
    assert life.mails(person) == ["confirm", "welcome"]


def test_two_answers_at_once_are_one(life: Life) -> None:
    life.ask("a@example.org")
    ref = life.question("a@example.org")

    with ThreadPoolExecutor(1) as pool:
        with life.store.writing() as c:
            first = lifecycle.confirm(c, ref, LINK, key=KEY, now=NOW)
            second = pool.submit(life.confirm, ref)
            time.sleep(0.3)  # it has looked by now, unless it waits as it should
        outcomes = (first.outcome, second.result(timeout=30).outcome)

    assert outcomes == (Outcome.DONE, Outcome.ALREADY)
    assert life.mails(life.person("a@example.org")) == ["confirm", "welcome"]


def test_a_confirmation_is_good_for_48_hours(life: Life) -> None:
    life.ask("a@example.org")
    life.ask("b@example.org")

    in_time = life.confirm(life.question("a@example.org"), now=NOW + 48 * HOUR - dt.timedelta(seconds=1))
    too_late = life.confirm(life.question("b@example.org"), now=NOW + 48 * HOUR)

    assert in_time.outcome is Outcome.DONE
    assert too_late.outcome is Outcome.EXPIRED
    assert life.person("b@example.org").state is State.PENDING


def test_a_confirmation_that_we_do_not_have_is_gone(sqlite_life: Life) -> None:
    assert sqlite_life.confirm("a" * 26).outcome is Outcome.GONE
    assert sqlite_life.decline("a" * 26).outcome is Outcome.GONE


def test_asking_changes_nothing_about_a_known_subscriber(life: Life) -> None:
    active = life.joined("active@example.org")
    paused = life.joined("paused@example.org")
    left = life.joined("left@example.org")
    life.pause(paused, None)
    life.unsubscribe(left)
    emails = ("active@example.org", "paused@example.org", "left@example.org")
    before = [life.person(email) for email in emails]

    sent = [life.ask(email.upper(), WEEKLY_POWER, now=NOW + DAY) for email in emails]

    assert [life.person(email) for email in emails] == before
    assert sent == [NoticeKind.KNOWN, NoticeKind.KNOWN, NoticeKind.CONFIRM]
    assert life.mails(active)[-1] == "known"


def test_a_known_subscriber_is_reminded_once_a_day_at_most(life: Life) -> None:
    person = life.joined("a@example.org")

    for hours in (1, 2, 23, 25.5, 26):
        life.ask("a@example.org", now=NOW + hours * HOUR)

    assert life.mails(person) == ["confirm", "welcome", "known", "known"]


def test_a_pending_address_is_asked_once_a_day_and_three_times_a_month(life: Life) -> None:
    hours = [0, 1, 23, 24, 47, 48, 72, 96, 24 * 20, 24 * 31]

    sent = [life.ask("a@example.org", now=NOW + hour * HOUR) for hour in hours]

    asked = [hour for hour, notice in zip(hours, sent, strict=True) if notice]
    assert asked == [0, 24, 48, 24 * 31]
    assert life.history(life.person("a@example.org")) == [ConsentEvent.ASKED] * 4


def test_one_answer_settles_all_open_questions(life: Life) -> None:
    life.ask("a@example.org")
    older = life.question("a@example.org")
    life.ask("a@example.org", now=NOW + DAY)
    person = life.confirm(life.question("a@example.org"), now=NOW + DAY).subscriber
    assert person is not None
    life.unsubscribe(person, now=NOW + DAY)

    result = life.confirm(older, now=NOW + DAY + HOUR)

    assert result.outcome is Outcome.SPENT
    assert life.person("a@example.org").state is State.UNSUBSCRIBED


def test_who_said_this_was_not_me_hears_nothing_more(life: Life) -> None:
    life.ask("a@example.org")
    ref = life.question("a@example.org")

    declined = life.decline(ref, now=NOW + 30 * DAY)
    again = life.decline(ref, now=NOW + 30 * DAY)
    asked = life.ask("A@Example.org", now=NOW + 90 * DAY)
    confirmed = life.confirm(ref, now=NOW + HOUR)

    person = life.person("a@example.org")
    assert (declined.outcome, again.outcome, asked) == (Outcome.DONE, Outcome.ALREADY, None)
    assert confirmed.outcome is Outcome.SPENT
    assert person.state is State.SUPPRESSED
    assert life.history(person) == [ConsentEvent.ASKED, ConsentEvent.DECLINED]
    assert life.mails(person) == ["confirm"]


@pytest.mark.parametrize("back", [dt.timedelta(0), dt.timedelta(hours=3)])
def test_p07_a_new_confirmation_counts_whatever_the_clock_says(life: Life, back: dt.timedelta) -> None:
    """P-07: a clock was set back, or two acts fell into one moment: who confirms again comes back all the same."""
    person = life.joined("a@example.org")
    life.suppress(person, Reason.UNSUBSCRIBED)

    again = life.joined("a@example.org", now=NOW - back)

    assert again.confirmed_at is not None
    assert person.confirmed_at is not None
    assert again.confirmed_at > person.confirmed_at


def test_a_day_of_confirmation_that_lies_ahead_counts_as_now(life: Life) -> None:
    with life.store.writing() as c:
        rows = [Imported(parse_address("a@example.org"), DAILY, NOW + dt.timedelta(hours=9))]
        lifecycle.import_rows(
            c, rows, Evidence(Method.IMPORT), vouched=True, detail="source: a list", first_id=0, key=KEY, now=NOW
        )

    assert life.person("a@example.org").confirmed_at == NOW


def test_a_suppression_ends_what_was_asked_since_an_earlier_one(life: Life) -> None:
    """P-07: who is out already may have asked to come back; a later suppression is a later word."""
    person = life.joined("a@example.org")
    life.suppress(person, Reason.IMPORTED)
    life.ask("a@example.org", now=NOW + HOUR)
    life.suppress(person, Reason.UNSUBSCRIBED, now=NOW + 2 * HOUR)

    result = life.confirm(life.question("a@example.org"), now=NOW + 3 * HOUR)

    assert result.outcome is Outcome.SPENT
    after = life.find("a@example.org")
    assert after is not None
    assert after.state is State.SUPPRESSED


def test_a_bounced_address_gets_no_confirmation(life: Life) -> None:
    person = life.joined("a@example.org")
    life.suppress(person, Reason.BOUNCE)

    assert life.ask("a@example.org", now=NOW + 60 * DAY) is None
    assert life.person("a@example.org").state is State.SUPPRESSED


def test_who_complained_comes_back_only_by_signing_up_and_confirming(life: Life) -> None:
    person = life.joined("a@example.org")
    life.suppress(person, Reason.COMPLAINT)
    by_link = life.resubscribe(person)

    asked = life.ask("a@example.org", WEEKLY_POWER, now=NOW + DAY)
    silent = life.person("a@example.org").state
    result = life.confirm(life.question("a@example.org"), now=NOW + DAY)

    assert by_link.outcome is Outcome.REFUSED
    assert (asked, silent) == (NoticeKind.CONFIRM, State.SUPPRESSED)
    assert result.outcome is Outcome.DONE
    assert life.person("a@example.org").state is State.ACTIVE
    with life.store.reading() as c:
        assert suppressions.counts(c) == {}


def test_a_complaint_never_softens_a_not_me(life: Life) -> None:
    life.ask("a@example.org")
    ref = life.question("a@example.org")
    life.decline(ref)

    result = life.suppress(life.person("a@example.org"), Reason.COMPLAINT)

    assert result.outcome is Outcome.ALREADY
    assert life.ask("a@example.org", now=NOW + 9 * DAY) is None


def test_a_not_me_outweighs_a_complaint(life: Life) -> None:
    person = life.joined("a@example.org")
    ref = life.question("a@example.org")
    life.suppress(person, Reason.COMPLAINT)

    assert life.decline(ref).outcome is Outcome.DONE
    assert life.ask("a@example.org", now=NOW + 9 * DAY) is None


def test_a_question_from_before_leaving_brings_nobody_back(life: Life) -> None:
    person = life.joined("a@example.org")
    life.unsubscribe(person, now=NOW)
    life.ask("a@example.org", now=NOW + HOUR)
    open_question = life.question("a@example.org")
    life.resubscribe(person, now=NOW + 2 * HOUR)
    life.unsubscribe(person, now=NOW + 3 * HOUR)

    assert life.confirm(open_question, now=NOW + 4 * HOUR).outcome is Outcome.SPENT


# --- staying and leaving ---------------------------------------------------------------------------------------------------------


def test_leaving_and_coming_back_by_link_keeps_the_choice(life: Life) -> None:
    person = life.joined("a@example.org", WEEKLY_POWER)

    left = life.unsubscribe(person)
    again = life.unsubscribe(person)
    back = life.resubscribe(person)

    assert [left.outcome, again.outcome, back.outcome] == [Outcome.DONE, Outcome.ALREADY, Outcome.DONE]
    assert life.person("a@example.org") == person
    assert life.history(person)[2:] == [ConsentEvent.WITHDRAWN, ConsentEvent.RETURNED]
    assert life.mails(person) == ["confirm", "welcome"]


def test_who_never_confirmed_cannot_come_back_by_link(life: Life) -> None:
    life.bring("a@example.org", vouched=False)
    person = life.person("a@example.org")
    pending = life.resubscribe(person)
    life.unsubscribe(person)

    left = life.resubscribe(person)

    assert (pending.outcome, left.outcome) == (Outcome.REFUSED, Outcome.REFUSED)


def test_a_pause_ends_by_itself_or_when_they_come_back(life: Life) -> None:
    person = life.joined("a@example.org")

    week = life.pause(person, NOW + 7 * DAY).subscriber
    forever = life.pause(person, None).subscriber
    back = life.resume(person).subscriber

    assert week is not None
    assert forever is not None
    assert back is not None
    assert not week.receives_mail(NOW + 6 * DAY)
    assert week.receives_mail(NOW + 7 * DAY)
    assert not forever.receives_mail(NOW + 700 * DAY)
    assert (back.state, back.paused_until) == (State.ACTIVE, None)
    assert life.history(person)[2:] == [ConsentEvent.PAUSED, ConsentEvent.PAUSED, ConsentEvent.RESUMED]


def test_a_choice_is_changed_with_its_consent(life: Life) -> None:
    person = life.joined("a@example.org")

    changed = life.change(person, WEEKLY_POWER)
    again = life.change(person, WEEKLY_POWER)

    assert (changed.outcome, again.outcome) == (Outcome.DONE, Outcome.ALREADY)
    with life.store.reading() as c:
        last = consents.of(c, person.id)[-1]
    assert (last.event, last.choice, last.at) == (ConsentEvent.CHANGED, WEEKLY_POWER, NOW)


@pytest.mark.parametrize("state", [State.PENDING, State.UNSUBSCRIBED, State.SUPPRESSED])
def test_who_gets_no_mail_has_nothing_to_change(sqlite_life: Life, state: State) -> None:
    life = sqlite_life
    life.ask("a@example.org")
    if state is not State.PENDING:
        person = life.confirm(life.question("a@example.org")).subscriber
        assert person is not None
        life.unsubscribe(person) if state is State.UNSUBSCRIBED else life.suppress(person, Reason.COMPLAINT)
    person = life.person("a@example.org")
    assert person.state is state

    results = [life.change(person, WEEKLY_POWER), life.pause(person, None), life.resume(person)]

    assert [result.outcome for result in results] == [Outcome.REFUSED] * 3
    assert life.person("a@example.org") == person


def test_an_erased_person_is_nobody_and_may_start_anew(life: Life) -> None:
    person = life.joined("a@example.org")
    ref = life.question("a@example.org")

    first = life.erase(person)
    second = life.erase(person)

    assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.ALREADY)
    assert life.find("a@example.org") is None
    assert life.confirm(ref).outcome is Outcome.GONE
    assert life.unsubscribe(person).outcome is Outcome.ALREADY
    assert life.resubscribe(person).outcome is Outcome.REFUSED
    assert life.suppress(person, Reason.BOUNCE).outcome is Outcome.GONE
    assert life.history(person)[-1] is ConsentEvent.ERASED
    assert life.bring("a@example.org") == [Skipped.ERASED]
    anew = life.joined("a@example.org", now=NOW + HOUR)
    assert anew.id != person.id
    assert anew.ref != person.ref


def test_an_erasure_does_not_forget_a_not_me(life: Life) -> None:
    life.ask("a@example.org")
    life.decline(life.question("a@example.org"))

    life.erase(life.person("a@example.org"))

    assert life.ask("a@example.org", now=NOW + 99 * DAY) is None
    assert life.find("a@example.org") is None


def test_who_we_do_not_know_is_gone(sqlite_life: Life) -> None:
    stranger = Subscriber(1, "a" * 26, "a@example.org", State.ACTIVE, DAILY, NOW)
    life = sqlite_life

    results = [
        life.unsubscribe(stranger),
        life.resubscribe(stranger),
        life.change(stranger, DAILY),
        life.pause(stranger, None),
        life.resume(stranger),
        life.suppress(stranger, Reason.BOUNCE),
        life.erase(stranger),
    ]

    assert {result.outcome for result in results} == {Outcome.GONE}


# --- brought along ---------------------------------------------------------------------------------------------------------------


def test_an_import_adds_whom_we_do_not_know_and_nobody_else(life: Life) -> None:
    for name in ("pending", "active", "left", "complained", "bounced", "erased"):
        life.ask(f"{name}@example.org") if name == "pending" else life.joined(f"{name}@example.org")
    life.unsubscribe(life.person("left@example.org"))
    life.suppress(life.person("complained@example.org"), Reason.COMPLAINT)
    life.suppress(life.person("bounced@example.org"), Reason.BOUNCE)
    life.erase(life.person("erased@example.org"))
    names = ("new", "pending", "active", "left", "complained", "bounced", "erased", "NEW")

    verdicts = life.bring(*(f"{name}@example.org" for name in names))

    assert verdicts == [
        None,
        Skipped.KNOWN,
        Skipped.KNOWN,
        Skipped.UNSUBSCRIBED,
        Skipped.SUPPRESSED,
        Skipped.SUPPRESSED,
        Skipped.ERASED,
        Skipped.TWICE,
    ]
    new = life.person("new@example.org")
    assert (new.state, new.confirmed_at) == (State.ACTIVE, NOW)
    assert life.mails(new) == []
    with life.store.reading() as c:
        assert consents.of(c, new.id)[0].detail == "source: a list; basis: consent; confirmed: no date given"


def test_an_import_without_a_vouch_waits_for_the_persons_own_word(life: Life) -> None:
    life.bring("a@example.org", vouched=False)

    person = life.person("a@example.org")

    assert (person.state, person.confirmed_at) == (State.PENDING, None)
    assert life.mails(person) == []
    assert life.ask("a@example.org") is NoticeKind.CONFIRM


# --- what a form says ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cadence", "topics", "choice"),
    [
        ("daily", [], DAILY),
        ("", [], DAILY),
        (" Weekly ", ["power", " power ", ""], WEEKLY_POWER),
        ("each", ["money", "power"], Choice(Cadence.EACH, frozenset({"money", "power"}))),
    ],
)
def test_a_choice_is_read_from_a_form(cadence: str, topics: list[str], choice: Choice) -> None:
    assert parse_choice(cadence, topics, known=("money", "power")) == choice


@pytest.mark.parametrize(
    ("cadence", "topics", "words"),
    [
        ("hourly", [], "choose daily, weekly or each"),
        ("daily", ["sports"], 'no topic "sports"; choose among money, power'),
        ("daily", ["a@example.org"], "no topic of that name"),
        ("daily\0", [], "choose daily"),
    ],
)
def test_a_choice_that_we_do_not_offer_is_refused(cadence: str, topics: list[str], words: str) -> None:
    with pytest.raises(ChoiceError, match=words):
        parse_choice(cadence, topics, known=("money", "power"))


# --- any order of acts, against a model ------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What the model believes of one address: the rules in words, not in code."""

    state: State | None = None
    reason: Reason | None = None
    ever_confirmed: bool = False
    open_questions: dict[str, dt.datetime] = field(default_factory=dict)  # until when each may be answered
    all_questions: list[str] = field(default_factory=list)

    @property
    def gets_mail(self) -> bool:
        return self.state in (State.ACTIVE, State.PAUSED)


EMAILS = st.sampled_from(["a@example.org", "b@example.org"])
CHOICES = st.builds(Choice, st.sampled_from(Cadence), st.frozensets(st.sampled_from(["money", "power"]), max_size=2))


class SubscribersLife(RuleBasedStateMachine):
    """Random acts on two addresses. R-09, for the part that decides who may be written to."""

    template: Path

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.mkdtemp()
        shutil.copy(self.template, Path(self.folder) / "life.db")
        self.store = connect(f"sqlite:///{self.folder}/life.db")
        sa.event.listen(self.store.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))  # quicker
        self.life = Life(self.store)
        self.now = NOW
        self.told: dict[str, Told] = {}
        self.seen_consents = 0

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def of(self, email: str) -> tuple[Told, Subscriber | None]:
        return self.told.setdefault(email, Told()), self.life.find(email)

    @rule(email=EMAILS, choice=CHOICES)
    def ask(self, email: str, choice: Choice) -> None:
        told, before = self.of(email)

        sent = self.life.ask(email, choice, now=self.now)

        after = self.life.find(email)
        if told.reason in (Reason.NOT_ME, Reason.BOUNCE):
            assert sent is None
            assert after == before
            return
        if before is not None:
            assert after == before, "asking changes nobody"
        assert sent in ((None, NoticeKind.KNOWN) if told.gets_mail else (None, NoticeKind.CONFIRM))
        assert sent or told.gets_mail or told.all_questions, "a first sign-up is always answered"
        told.state = told.state or State.PENDING
        if sent is NoticeKind.CONFIRM:
            ref = self.life.question(email)
            told.open_questions[ref] = self.now + 48 * HOUR
            told.all_questions.append(ref)

    @rule(email=EMAILS, hours=st.sampled_from([0, 1, 49]), newest=st.booleans())
    def confirm(self, email: str, hours: int, newest: bool) -> None:
        self.now += hours * HOUR
        told, _ = self.of(email)
        if not told.all_questions:
            return
        ref = told.all_questions[-1 if newest else 0]

        result = self.life.confirm(ref, now=self.now)

        may = not told.gets_mail and told.open_questions.get(ref, self.now) > self.now
        assert (result.outcome is Outcome.DONE) == may
        if may:
            told.state, told.reason, told.ever_confirmed = State.ACTIVE, None, True
            told.open_questions.clear()

    @rule(email=EMAILS, before=st.sampled_from([0, 25]), between=st.sampled_from([0, 1, 49]))
    def sign_up_and_confirm(self, email: str, before: int, between: int) -> None:
        self.now += before * HOUR
        self.ask(email, DAILY)
        self.confirm(email, between, newest=True)

    @rule(email=EMAILS, act=st.sampled_from(["unsubscribe", "resubscribe", "pause", "resume"]))
    def link(self, email: str, act: str) -> None:
        told, person = self.of(email)
        if person is None:
            return
        acts = {
            "unsubscribe": self.life.unsubscribe,
            "resubscribe": self.life.resubscribe,
            "pause": lambda person, now: self.life.pause(person, now + 7 * DAY, now=now),
            "resume": self.life.resume,
        }

        result = acts[act](person, now=self.now)  # type: ignore[operator]

        leaves = act == "unsubscribe" and told.state not in (State.UNSUBSCRIBED, State.SUPPRESSED)
        returns = act == "resubscribe" and told.state is State.UNSUBSCRIBED and told.ever_confirmed
        if leaves or returns:
            assert result.outcome is Outcome.DONE
            told.state = State.UNSUBSCRIBED if leaves else State.ACTIVE
            told.open_questions.clear()
        elif act in ("pause", "resume") and told.gets_mail:
            told.state = State.PAUSED if act == "pause" else State.ACTIVE
        else:
            assert result.outcome in (Outcome.REFUSED, Outcome.ALREADY)

    @rule(email=EMAILS, choice=CHOICES)
    def change(self, email: str, choice: Choice) -> None:
        told, person = self.of(email)
        if person is not None:
            result = self.life.change(person, choice, now=self.now)
            assert (result.outcome is Outcome.REFUSED) == (not told.gets_mail)

    @rule(email=EMAILS, why=st.sampled_from(Reason))
    def leave_for_good(self, email: str, why: Reason) -> None:
        told, person = self.of(email)
        if person is None:
            return
        if why is Reason.ERASED:
            self.life.erase(person, now=self.now)
            self.told[email] = Told(reason=told.reason or why)
            return
        if why is Reason.NOT_ME:
            if not told.all_questions:
                return
            self.life.decline(told.all_questions[-1], now=self.now)
        else:
            self.life.suppress(person, why, now=self.now)
        told.state = State.SUPPRESSED
        if told.reason is None or (why.is_final and not told.reason.is_final):
            told.reason = why
        told.open_questions.clear()

    @rule(emails=st.lists(EMAILS, min_size=1, max_size=3), vouched=st.booleans())
    def bring(self, emails: list[str], vouched: bool) -> None:
        before = {email: self.life.find(email) for email in emails}

        verdicts = self.life.bring(*emails, vouched=vouched, now=self.now)

        for email, verdict in zip(emails, verdicts, strict=True):
            told, after = self.of(email)
            if verdict is None:
                assert before[email] is None
                assert told.reason is None, "an import revives nobody"
                told.state = State.ACTIVE if vouched else State.PENDING
                told.ever_confirmed = vouched
            elif before[email] is not None:
                assert after == before[email]

    @invariant()
    def the_database_agrees_and_nobody_who_left_or_never_came_gets_mail(self) -> None:
        for email, told in self.told.items():
            person = self.life.find(email)
            assert (person.state if person else None) == told.state, email
            if person and person.receives_mail(self.now):
                assert told.gets_mail
                assert told.ever_confirmed
                assert told.reason is None

    @invariant()
    def consents_only_grow(self) -> None:
        with self.store.reading() as c:
            count = int(c.execute(sa.select(sa.func.count()).select_from(tables.consents)).scalar_one())
        assert count >= self.seen_consents
        self.seen_consents = count


def test_any_order_of_acts_ends_where_the_rules_say(sqlite_template: Path) -> None:
    machine = type("AnyOrder", (SubscribersLife,), {"template": sqlite_template})

    # Shrinking a failure takes minutes; add Phase.shrink to see the shortest one.
    phases = (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None, phases=phases),
    )
