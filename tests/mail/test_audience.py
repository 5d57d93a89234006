"""The right people get the right articles, whatever happened before: random histories against a model (R-09, P-07).

The model is what the handbook says, in plain Python: who is subscribed to what, what was published, what each has had. The system
is the real one: acts on the database, planning, the sending loop, with a mail server that keeps what it is given.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase
from hypothesis import settings as histories
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pipeline.config import Settings
from pipeline.keys import KeyRing, load_keys
from pipeline.mail import lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.mail.deliver import deliver
from pipeline.mail.gather import issue_named
from pipeline.mail.lifecycle import Imported
from pipeline.mail.plan import Composed, plan_issue
from pipeline.mail.smtp import Answer, Copy, Stage
from pipeline.mail.stamp import BLANKS
from pipeline.mail.terms import Terms
from pipeline.model import Article, Cadence, Choice, Issue, Reply, State
from pipeline.store import Store, chain, open_store, subscribers, tables
from pipeline.store.consents import Evidence, Method
from pipeline.store.issues import StoredIssue
from pipeline.store.suppressions import Reason
from tests.builders import NOW, an_article

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
WHO = ("ann", "ben")
TOPICS = ("power", "chips")
LINK = Evidence(Method.LINK)

ACTS = (
    *("ask", "confirm", "change", "rest", "go_on", "unsubscribe", "come_back", "suppress", "decline", "erase"),
    *("mailbox", "edit"),
)

people = st.sampled_from(WHO)
choices = st.builds(
    Choice, st.sampled_from(Cadence), st.sampled_from([frozenset(), frozenset({"power"}), frozenset(TOPICS)])
)
reasons = st.sampled_from([Reason.BOUNCE, Reason.COMPLAINT])


# --- the model ------------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Person:
    """One row: somebody who is erased and comes back is another."""

    state: State
    choice: Choice
    confirmed_at: dt.datetime | None = None
    rests_until: dt.datetime | None = None
    asked: list[tuple[dt.datetime, Choice]] = field(default_factory=list)  # questions that are still open
    erased: bool = False
    had: set[str] = field(default_factory=set)

    def receives(self, now: dt.datetime) -> bool:
        rested = self.state is State.PAUSED and self.rests_until is not None and self.rests_until <= now
        return not self.erased and (self.state is State.ACTIVE or rested)


@dataclass(eq=False)
class Planned:
    """One issue: who is to get which articles, and who is settled."""

    stored: StoredIssue
    waiting: dict[Person, frozenset[str]] = field(default_factory=dict)
    settled: set[Person] = field(default_factory=set)


# --- the world ------------------------------------------------------------------------------------------------------------------


class Postbox:
    """A mail server that keeps every letter, and does not know some of its people."""

    name = "postbox"
    is_open = True

    def __init__(self) -> None:
        self.kept: list[tuple[str, frozenset[str]]] = []
        self.unknown: set[str] = set()
        self._lock = threading.Lock()

    def connect(self) -> Postbox:
        return self

    def carry(self, copy: Copy) -> Answer:
        name = copy.recipient.partition("@")[0].lower()
        if name in self.unknown:
            return Answer(Reply(550, "5.1.1", "no such user"), Stage.RCPT)
        body = copy.plain().partition(b"\r\n\r\n")[2].decode().split()
        with self._lock:
            self.kept.append((name, frozenset(body)))
        return Answer(Reply(250, "2.0.0", "kept"), Stage.OCTETS)

    def close(self) -> None:
        pass


def compose(issue: Issue, articles: Sequence[Article]) -> Composed:
    slugs = " ".join(article.slug for article in articles)
    message = f"To: {BLANKS['recipient']}\r\nMessage-ID: <{BLANKS['message_id']}@example.org>\r\n\r\n{slugs}\r\n"
    return Composed("subject", message.encode())


class Audience(RuleBasedStateMachine):
    template: Path
    settings: Settings

    def __init__(self) -> None:
        super().__init__()
        shm = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=shm if shm.is_dir() else None))
        shutil.copy(self.template, self.folder / "a.db")
        self.conf = self.settings.model_copy(
            update={"database_url": f"sqlite:///{self.folder / 'a.db'}", "state_dir": self.folder, "connections": 1}
        )
        self.store: Store = open_store(self.conf)
        self.keys: KeyRing = load_keys(self.conf.state_dir, "suppression")
        self.terms = Terms.of(self.conf)
        self.postbox = Postbox()
        self.now = NOW
        self.people: dict[str, Person] = {}
        self.reasons: dict[str, Reason] = {}
        self.articles: list[Article] = []
        self.issues: dict[str, Planned] = {}
        self.kept: list[tuple[str, frozenset[str]]] = []  # what the postbox must hold

    def teardown(self) -> None:
        assert chain.verify(self.store).broken is None
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ref(self, name: str) -> str:
        with self.store.reading() as c:
            found = subscribers.find(c, f"{name}@example.org")
        assert found is not None
        return found.ref

    def question(self, name: str) -> str:
        """The newest question to this mailbox."""
        t = tables.confirmations.c
        with self.store.reading() as c:
            person = subscribers.find(c, f"{name}@example.org")
            assert person is not None
            query = sa.select(t.ref).where(t.subscriber_id == person.id).order_by(t.id.desc()).limit(1)
            return c.execute(query).scalar_one_or_none() or "0" * 32

    def tick(self, span: dt.timedelta = dt.timedelta(minutes=1)) -> None:
        self.now += span

    def suppressed(self, name: str, why: Reason) -> None:
        if name not in self.reasons or (why.is_final and not self.reasons[name].is_final):
            self.reasons[name] = why

    def leave(self, name: str, state: State) -> None:
        person = self.people[name]
        person.state, person.rests_until, person.asked = state, None, []

    @rule(
        name=people,
        what=st.sampled_from(ACTS),
        choice=choices,
        days=st.sampled_from([None, 1, 7]),
        why=reasons,
        yes=st.booleans(),
        place=st.integers(0, 9),
    )
    def act(
        self, name: str, what: str, choice: Choice, days: int | None, why: Reason, place: int, *, yes: bool
    ) -> None:
        """One thing happens to one person, or to an article; as rules of their own they would crowd out the sends."""
        match what:
            case "ask":
                self.ask(name, choice)
            case "change":
                self.change(name, choice)
            case "rest":
                self.rest(name, days)
            case "suppress":
                self.suppress(name, why)
            case "mailbox":
                self.mailbox(name, dead=yes)
            case "edit":
                self.edit(place, skip=yes)
            case _:
                getattr(self, what)(name)

    # -- coming

    def ask(self, name: str, choice: Choice) -> None:
        """Somebody types the address into the form."""
        self.tick()
        with self.store.writing() as c:
            address = parse_address(f"{name}@example.org")
            lifecycle.sign_up_requested(c, address, choice, LINK, asked_at=self.now, key=self.keys, now=self.now)
        if name in self.reasons and self.reasons[name].is_final:
            return
        person = self.people.setdefault(name, Person(State.PENDING, choice))
        recent = [asked for asked, _ in person.asked if asked > self.now - DAY]
        month = [asked for asked, _ in person.asked if asked > self.now - 30 * DAY]
        if person.state not in (State.ACTIVE, State.PAUSED) and not recent and len(month) < 3:
            person.asked.append((self.now, choice))

    def confirm(self, name: str) -> None:
        """Its owner presses the button of the newest question."""
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.confirm(c, self.question(name), LINK, key=self.keys, now=self.now)
        person = self.people[name]
        if person.state in (State.ACTIVE, State.PAUSED) or not person.asked:
            return
        asked, choice = person.asked[-1]
        if self.now >= asked + 2 * DAY or (name in self.reasons and self.reasons[name].is_final):
            return
        self.leave(name, State.ACTIVE)
        person.choice, person.confirmed_at = choice, self.now
        self.reasons.pop(name, None)

    @rule(names=st.lists(people, min_size=1, max_size=3), choice=choices, vouched=st.booleans())
    def bring_along(self, names: list[str], choice: Choice, *, vouched: bool) -> None:
        """An import."""
        self.tick()
        rows = [Imported(parse_address(f"{name.upper()}@example.org"), choice, None) for name in names]
        with self.store.writing() as c:
            lifecycle.import_rows(
                c,
                rows,
                Evidence(Method.IMPORT),
                vouched=vouched,
                detail="a list",
                first_id=subscribers.last_id(c),
                key=self.keys,
                now=self.now,
            )
        for name in names:
            if name not in self.people and name not in self.reasons:
                state = State.ACTIVE if vouched else State.PENDING
                self.people[name] = Person(state, choice, self.now if vouched else None)

    # -- staying

    def change(self, name: str, choice: Choice) -> None:
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.change_choice(c, self.ref(name), choice, LINK, now=self.now)
        if self.people[name].state in (State.ACTIVE, State.PAUSED):
            self.people[name].choice = choice

    def rest(self, name: str, days: int | None) -> None:
        self.tick()
        if name not in self.people:
            return
        until = self.now + days * DAY if days else None
        with self.store.writing() as c:
            lifecycle.pause(c, self.ref(name), LINK, until=until, now=self.now)
        person = self.people[name]
        if person.state in (State.ACTIVE, State.PAUSED):
            person.state, person.rests_until = State.PAUSED, until

    def go_on(self, name: str) -> None:
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.resume(c, self.ref(name), LINK, now=self.now)
        if self.people[name].state is State.PAUSED:
            self.people[name].state, self.people[name].rests_until = State.ACTIVE, None

    # -- leaving

    def unsubscribe(self, name: str) -> None:
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.unsubscribe(c, self.ref(name), LINK, now=self.now)
        if self.people[name].state not in (State.SUPPRESSED, State.UNSUBSCRIBED):
            self.leave(name, State.UNSUBSCRIBED)

    def come_back(self, name: str) -> None:
        """By the link in an old letter."""
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.resubscribe(c, self.ref(name), LINK, now=self.now)
        person = self.people[name]
        if person.state is State.UNSUBSCRIBED and person.confirmed_at is not None:
            self.leave(name, State.ACTIVE)

    def suppress(self, name: str, why: Reason) -> None:
        """A bounce, or a complaint."""
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.suppress(c, self.ref(name), why, LINK, key=self.keys, now=self.now)
        before = self.reasons.get(name)
        known = self.people[name].state is State.SUPPRESSED and before is not None
        if not (known and before is not None and (before.is_final or not why.is_final)):
            self.leave(name, State.SUPPRESSED)
            self.suppressed(name, why)

    def decline(self, name: str) -> None:
        """ "This was not me." """
        self.tick()
        if name not in self.people or self.question(name) == "0" * 32:
            return
        with self.store.writing() as c:
            lifecycle.decline(c, self.question(name), LINK, key=self.keys, now=self.now)
        if not (self.people[name].state is State.SUPPRESSED and self.reasons.get(name) is Reason.NOT_ME):
            self.leave(name, State.SUPPRESSED)
            self.suppressed(name, Reason.NOT_ME)

    def erase(self, name: str) -> None:
        self.tick()
        if name not in self.people:
            return
        with self.store.writing() as c:
            lifecycle.erase(c, self.ref(name), LINK, key=self.keys, now=self.now)
        self.people.pop(name).erased = True
        self.suppressed(name, Reason.ERASED)

    @rule(name=people, back=st.sampled_from(["link", "form"]), choice=choices, topic=st.sampled_from([None, *TOPICS]))
    def leave_and_return(self, name: str, back: str, choice: Choice, topic: str | None) -> None:
        """An issue waits; out; what waits is sent; in again; and the next issue."""
        self.send(1, topic, at_once=False)
        self.unsubscribe(name)
        self.send_what_waits()
        if back == "link":
            self.come_back(name)
        else:
            self.ask(name, choice)
            self.confirm(name)
        self.send(1, None, at_once=True)

    # -- publishing and sending

    @initialize(topic=st.sampled_from(TOPICS), name=people, choice=choices)
    def begin(self, topic: str, name: str, choice: Choice) -> None:
        """A history without a reader and an article would have nothing to get wrong."""
        self.publish(topic)
        self.bring_along([name], choice, vouched=True)

    def publish(self, topic: str) -> None:
        self.tick()
        slug = f"story-{len(self.articles)}"
        self.articles.append(an_article(slug, date=self.now, topics=(topic,)))

    def edit(self, place: int, *, skip: bool) -> None:
        """An editor keeps an article out of the mail, or lets it in again, or merely mends a word."""
        self.tick()
        article = self.articles[place % len(self.articles)]
        changed = an_article(article.slug, date=article.date, topics=article.topics, email_skip=skip, dek="Mended.")
        self.articles[place % len(self.articles)] = changed

    def mailbox(self, name: str, *, dead: bool) -> None:
        """A mailbox is closed, or opened again."""
        (self.postbox.unknown.add if dead else self.postbox.unknown.discard)(name)

    @rule(days=st.sampled_from([0, 1, 1, 2, 8]), topic=st.sampled_from([None, *TOPICS]), at_once=st.booleans())
    def send(self, days: int, topic: str | None, *, at_once: bool) -> None:
        """Days go by, something may be published, and each issue is planned; and sent now, or only planned for the time being."""
        self.tick(days * DAY)
        if topic:
            self.publish(topic)
        for cadence in Cadence:
            self._send(cadence, at_once=at_once)

    def _send(self, cadence: Cadence, *, at_once: bool) -> None:
        self.tick()
        if (issue := self._issue(cadence)) is None:
            return
        known = self.issues.get(issue.key)
        issue = known.stored.issue if known else issue
        published = tuple(a for a in self.articles if a.is_public(issue.closes_at))
        stored = plan_issue(self.store, issue, published, compose, now=self.now)
        if known is None or cadence is Cadence.EACH:
            rows = self._chosen(issue, published, known)
            if rows and known is None:
                assert stored is not None
                known = self.issues[issue.key] = Planned(stored)
            if known:
                known.waiting |= rows
        assert (stored is None) == (known is None)
        if known and at_once:
            self._deliver(known)

    @rule()
    def send_what_waits(self) -> None:
        self.tick()
        for planned in self.issues.values():
            if planned.waiting:
                self._deliver(planned)

    def _issue(self, cadence: Cadence) -> Issue | None:
        if cadence is Cadence.DAILY:
            return issue_named(f"daily-{self.now.date()}", self.articles, self.settings, now=self.now)
        if cadence is Cadence.WEEKLY:
            last = self.now.date() - dt.timedelta(days=(self.now.weekday() - 5) % 7)
            year, week, _ = last.isocalendar()
            return issue_named(f"weekly-{year}-W{week:02}", self.articles, self.settings, now=self.now)
        if not self.articles:
            return None
        return issue_named(f"each-{self.articles[-1].slug}", self.articles, self.settings, now=self.now)

    def _chosen(
        self, issue: Issue, published: Sequence[Article], known: Planned | None
    ) -> dict[Person, frozenset[str]]:
        """Who gets what, as the handbook says it."""
        rows = {}
        for person in self.people.values():
            if person.choice.cadence is not issue.cadence or not person.receives(self.now):
                continue
            if known and (person in known.waiting or person in known.settled):
                continue
            confirmed = min(person.confirmed_at or issue.closes_at, issue.closes_at)
            slugs = set()
            for article in published:
                each = issue.cadence is Cadence.EACH
                if article.email_skip or (each and article.slug != issue.slug):
                    continue
                old = issue.closes_at - article.date >= 14 * DAY or article.date < confirmed - 7 * DAY
                wanted = not person.choice.topics or person.choice.topics & set(article.topics)
                if wanted and article.slug not in person.had and (each or not old):
                    slugs.add(article.slug)
            if slugs:
                rows[person] = frozenset(slugs)
                person.had |= slugs  # on its way: no other issue brings it
        return rows

    def _deliver(self, planned: Planned) -> None:
        deliver(self.store, planned.stored, self.postbox, self.terms, clock=lambda: self.now)
        names = {person: name for name, person in self.people.items()}
        for person, slugs in planned.waiting.items():
            planned.settled.add(person)
            if not person.receives(self.now):
                person.had -= slugs
            elif names[person] in self.postbox.unknown:
                person.had -= slugs
                self.leave(names[person], State.SUPPRESSED)
                self.suppressed(names[person], Reason.BOUNCE)
            else:
                self.kept.append((names[person], slugs))
        planned.waiting.clear()
        assert Counter(self.postbox.kept) == Counter(self.kept)


@pytest.mark.timeout(600)
def test_the_right_people_get_the_right_articles(sqlite_template: Path, settings: Settings) -> None:
    """R-09, P-07: 500 histories of sign-ups, imports, changes, departures, bounces, edits and sends. After each send, the letters
    that the mail server has kept are those of the model; nobody suppressed is among them, but who signed up and confirmed anew.
    """
    Audience.template, Audience.settings = sqlite_template, settings
    run = Audience.TestCase
    run.settings = HISTORIES
    run().runTest()


HISTORIES = histories(
    max_examples=500,
    stateful_step_count=7,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a history of a few steps is read faster than it is shrunk
    suppress_health_check=list(HealthCheck),
)
