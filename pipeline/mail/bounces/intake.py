"""Take in what comes back: whom it is about, what it means for them, and what it says about a receiver.

    news | written down, once | whose? | history | decide | suppress, unsubscribe, count or nothing | watch the receivers

Each piece of news is one transaction: what was done about it is on disk together with its row, or not at all. So a mail may be
read again, and a hook called again, as often as anybody likes. Nothing is ever answered (M-38).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.config import Settings
from pipeline.errors import AddressError
from pipeline.keys import KeyRing, load_keys
from pipeline.mail import lifecycle
from pipeline.mail.addresses import LONGEST, Address, parse_address, without_addresses
from pipeline.mail.bounces import decide, receivers, whose
from pipeline.mail.bounces.decide import Action
from pipeline.mail.bounces.reading import Kind, Reading
from pipeline.mail.bounces.whose import About, Clues
from pipeline.mail.lifecycle import Outcome
from pipeline.model import BounceClass, Reply, Subscriber
from pipeline.store import Connection, Store, bounces, subscribers
from pipeline.store.bounces import NewBounce
from pipeline.store.consents import Evidence, Method

log = logging.getLogger("opensignal")

# Of several recipients that none of ours is among, the one that does the least harm speaks for the mail.
MILDEST_FIRST = (
    BounceClass.POLICY,
    BounceClass.GREYLIST,
    BounceClass.UNKNOWN,
    BounceClass.MAILBOX,
    BounceClass.DOMAIN,
    BounceClass.ADDRESS,
)
DIAGNOSTIC_LENGTH = 500  # characters


@dataclass(frozen=True, slots=True)
class Finding:
    """What the news says about one recipient."""

    address: str = ""
    category: BounceClass = BounceClass.UNKNOWN
    status: str = ""
    code: int = 0
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What a mail or an event says, whoever it is about."""

    key: str  # SHA-256: what comes twice counts once
    kind: Kind
    clues: Clues = field(default_factory=Clues)
    findings: tuple[Finding, ...] = ()
    feedback: str = ""  # Feedback-Type of a complaint
    leaves: bool = False  # the receiver tells that they unsubscribed there
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done about one piece of news."""

    kind: Kind
    action: Action
    category: str = ""
    domain: str = ""
    issue_id: int | None = None
    subscriber_id: int | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """What came in, in order, and what a person should know. No addresses."""

    settled: tuple[Settled, ...] = ()
    alarms: tuple[str, ...] = ()
    left: int = 0  # mails that another round will read

    def count(self, action: Action) -> int:
        return sum(item.action is action for item in self.settled)

    def __add__(self, other: Intake) -> Intake:
        return Intake(self.settled + other.settled, self.alarms + other.alarms, self.left + other.left)

    def as_dict(self) -> dict[str, Any]:
        return {
            "taken": len(self.settled),
            "kinds": dict(Counter(item.kind.value for item in self.settled)),
            "actions": dict(Counter(item.action.value for item in self.settled)),
            "alarms": list(self.alarms),
            "left": self.left,
        }

    def lines(self) -> Iterator[str]:
        """The report for a terminal or a log."""
        actions = Counter(item.action.value for item in self.settled)
        told = ", ".join(f"{number} {action}" for action, number in actions.most_common())
        yield f"{len(self.settled)} taken in" + (f": {told}" if told else "")
        yield from self.alarms
        if self.left:
            yield f"{self.left} more wait for the next round"


def take_in(store: Store, settings: Settings, news: Iterable[News], *, origin: str, now: dt.datetime) -> Intake:
    """Do what each piece of *news* asks for. What was taken in before is passed by."""
    keys = load_keys(settings.state_dir, "token")
    suppression_key = load_keys(settings.state_dir, "suppression")
    settled = []
    for item in news:
        with store.writing() as connection:
            settled.append(
                _settle(connection, item, origin=origin, keys=keys, suppression_key=suppression_key, now=now)
            )
    alarms = [_alarm(item) for item in settled if item.action is Action.ALARM]
    alarms += receivers.watch(
        store,
        refusing={s.domain for s in settled if _blames_us(s)},
        complaining={(s.issue_id, s.domain) for s in settled if _is_complaint(s) and s.issue_id is not None},
        now=now,
    )
    for alarm in alarms:
        log.warning("bounces: %s", alarm)
    return Intake(tuple(settled), tuple(alarms))


def take_in_refusal(
    connection: Connection,
    ref: str,
    *,
    issue_id: int,
    reply: Reply,
    about: BounceClass,
    suppression_key: KeyRing,
    now: dt.datetime,
) -> Action:
    """Do what a refusal in a conversation of ours asks for; nobody can have made it up. Inside of the caller's transaction."""
    person = subscribers.by_ref(connection, ref, lock=True)
    if person is None:
        return Action.NOTED
    finding = Finding(person.email, about, reply.enhanced, reply.code, reply.text)
    news = News(event_key("smtp", ref, str(issue_id)), Kind.BOUNCE, findings=(finding,))
    whom = About(person, issue_id)
    settled = _settle_about(
        connection, news, whom, leaves=False, origin="smtp", suppression_key=suppression_key, now=now
    )
    return settled.action


def news_of(raw: bytes, reading: Reading) -> News:
    """The news in a mail that was read."""
    returned, complaint = reading.returned, reading.complaint
    addresses = [recipient.address for recipient in reading.recipients]
    if complaint:
        addresses += [*complaint.original_recipients, *complaint.removal_recipients]
    return News(
        mail_key(raw),
        reading.kind,
        Clues(
            came_to=returned.came_to,
            returned=(*returned.envelope, *returned.unsubscribe, *returned.envelope_ids),
            message_ids=returned.message_ids,
            recipients=tuple(filter(None, addresses)),
        ),
        tuple(
            Finding(r.address, r.bounce_class or BounceClass.UNKNOWN, r.status, r.code, r.diagnostic)
            for r in reading.recipients
        ),
        feedback=complaint.feedback_type if complaint else "",
        raw=raw,
    )


def mail_key(raw: bytes) -> str:
    """What tells one mail from another, however its lines end where it was kept."""
    return hashlib.sha256(raw.replace(b"\r\n", b"\n").strip()).hexdigest()


def event_key(*parts: str) -> str:
    """What tells one event of a hook from another."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


# --- one piece of news ----------------------------------------------------------------------------------------------------


def _settle(
    connection: Connection, news: News, *, origin: str, keys: KeyRing, suppression_key: KeyRing, now: dt.datetime
) -> Settled:
    leaver = whose.asks_to_leave(keys, news.clues)
    about = _leaver(connection, leaver) if leaver else whose.about(connection, keys, news.clues)
    if about is not None:
        about = _locked(connection, about)
    leaves = leaver is not None or (news.leaves and about is not None)
    return _settle_about(
        connection, news, about, leaves=leaves, origin=origin, suppression_key=suppression_key, now=now
    )


def _settle_about(
    connection: Connection,
    news: News,
    about: About | None,
    *,
    leaves: bool,
    origin: str,
    suppression_key: KeyRing,
    now: dt.datetime,
) -> Settled:
    finding = _finding_for(about.subscriber if about else None, news.findings)
    category = _category(news, finding)
    item = Settled(
        news.kind,
        Action.NOTED if about or news.kind not in (Kind.BOUNCE, Kind.COMPLAINT) else Action.UNSIGNED,
        category=category,
        domain=_domain(about.subscriber.email if about else finding.address),
        issue_id=about.issue_id if about else None,
        subscriber_id=about.subscriber.id if about else None,
    )
    new = _row(news, item, finding, about, origin=origin, keeps_raw=not leaves and _is_worth_a_look(item), now=now)
    if not bounces.add(connection, new, action=item.action.value):
        return replace(item, action=Action.AGAIN)
    if leaves and about is not None:
        action = _unsubscribe(connection, about.subscriber, now=now)
    elif about is not None:
        action = _act(connection, about, news.kind, category, key=suppression_key, now=now)
    elif news.kind is Kind.COMPLAINT and decide.is_for_a_person(category):
        action = Action.ALARM  # a report of fraud in our name carries nothing of ours
    else:
        return item
    if action is not item.action:
        bounces.set_action(connection, news.key, action.value)
    return replace(item, action=action)


def _leaver(connection: Connection, ref: str) -> About | None:
    person = subscribers.by_ref(connection, ref)
    return About(person) if person else None


def _locked(connection: Connection, about: About) -> About | None:
    """The same behind a lock: two who take in news about one person do it one after the other."""
    person = subscribers.by_id(connection, about.subscriber.id, lock=True)
    return About(person, about.issue_id) if person else None


def _unsubscribe(connection: Connection, person: Subscriber, *, now: dt.datetime) -> Action:
    result = lifecycle.unsubscribe(connection, person.ref, Evidence(Method.MAIL), now=now)
    return Action.UNSUBSCRIBED if result.outcome is Outcome.DONE else Action.NOTED


def _act(connection: Connection, about: About, kind: Kind, category: str, *, key: KeyRing, now: dt.datetime) -> Action:
    person = about.subscriber
    since = now - decide.LOOK_BACK
    letters = bounces.letters(connection, person.id, since=since)
    came = bounces.of(connection, person.id, since=since)
    history = decide.history(letters, came, confirmed_at=person.confirmed_at, now=now)
    sent = {letter.issue_id: letter.sent_at for letter in letters}
    day = decide.when(about.issue_id, sent, otherwise=now).astimezone(dt.UTC).date()
    decision = decide.decide(kind, category, history, day=day)
    if decision.reason is None:
        return decision.action
    result = lifecycle.suppress(connection, person.ref, decision.reason, Evidence(Method.BOUNCE), key=key, now=now)
    return decision.action if result.outcome is Outcome.DONE else Action.NOTED


def _finding_for(person: Subscriber | None, findings: Sequence[Finding]) -> Finding:
    """What is said about this person; of others, the mildest."""
    if person is not None and person.email:
        mine = [finding for finding in findings if _same(finding.address, person.email)]
        findings = mine or findings
    return min(findings, key=lambda finding: MILDEST_FIRST.index(finding.category), default=Finding())


def _same(address: str, email: str) -> bool:
    one, other = _address(address), _address(email)
    return one is not None and other is not None and one.key == other.key


def _category(news: News, finding: Finding) -> str:
    if news.kind is Kind.BOUNCE:
        return finding.category.value
    return _short(news.feedback.lower() or "other", 16) if news.kind is Kind.COMPLAINT else ""


def _row(
    news: News,
    item: Settled,
    finding: Finding,
    about: About | None,
    *,
    origin: str,
    keeps_raw: bool,
    now: dt.datetime,
) -> NewBounce:
    names = {finding.address.rpartition("@")[0], about.subscriber.email.rpartition("@")[0] if about else ""}
    return NewBounce(
        key=news.key,
        at=now,
        origin=_short(origin, 40),
        kind=news.kind.value,
        category=item.category or None,
        subscriber_id=item.subscriber_id,
        issue_id=item.issue_id,
        domain=item.domain,
        status=_short(finding.status, 16) or None,
        code=finding.code if 0 < finding.code < 1_000 else None,
        diagnostic=_short(without_addresses(finding.diagnostic, names=names), DIAGNOSTIC_LENGTH) or None,
        raw=news.raw if keeps_raw else None,
    )


def _is_worth_a_look(item: Settled) -> bool:
    """Whether the mail itself is kept for a person. Of what strangers write in any number, only what is not understood."""
    if item.kind is Kind.BOUNCE:
        return item.subscriber_id is not None or item.category == BounceClass.UNKNOWN.value
    return item.kind is Kind.COMPLAINT and (item.subscriber_id is not None or decide.is_for_a_person(item.category))


def _short(text: str, length: int) -> str:
    """*text* as every database takes it: no NUL, no half characters, no longer than its column."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")[:length]


def _domain(email: str) -> str:
    found = _address(email)
    return found.email.rpartition("@")[2] if found else ""


def _address(text: str) -> Address | None:
    try:
        return parse_address(text) if len(text) <= LONGEST else None
    except AddressError:
        return None


# --- what it says about a receiver ----------------------------------------------------------------------------------------


def _blames_us(item: Settled) -> bool:
    """What came before is looked at again: whoever took it in may have been stopped before it came to the receiver."""
    signed = item.subscriber_id is not None
    return signed and item.kind is Kind.BOUNCE and item.category == BounceClass.POLICY.value and bool(item.domain)


def _is_complaint(item: Settled) -> bool:
    signed = item.subscriber_id is not None
    return signed and item.kind is Kind.COMPLAINT and item.category in decide.CALLS_IT_SPAM and bool(item.domain)


def _alarm(item: Settled) -> str:
    signed = "about a letter of ours" if item.subscriber_id is not None else "that carries nothing we have signed"
    at = f" from {item.domain}" if item.domain else ""
    return f'a report of "{item.category}"{at} {signed}; look at it: it is kept for 30 days'
