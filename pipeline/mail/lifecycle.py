"""A subscriber's life: which state may follow on which, and the acts that make it so.

`MOVES` is the whole law; an event that a state does not name is refused.

    event         nobody     pending       active        paused        unsubscribed   suppressed
    ask           pending    pending       active        paused        unsubscribed   suppressed
    confirm       -          active        active        paused        active         active (1)
    decline       -          suppressed    suppressed    suppressed    suppressed     suppressed
    unsubscribe   -          unsubscribed  unsubscribed  unsubscribed  unsubscribed   suppressed
    return        -          -             active        paused        active (2)     -
    change        -          -             active        paused        -              -
    pause         -          -             paused        paused        -              -
    resume        -          -             active        active        -              -
    suppress      -          suppressed    suppressed    suppressed    suppressed     suppressed
    erase         -          suppressed    suppressed    suppressed    suppressed     suppressed
    import        pending    -             -             -             -              -
    vouch (3)     active     -             -             -             -              -

    (1) unless the reason is final (a bounce, or "this was not me"): such an address gets no confirmation to answer
    (2) by the signed link in a letter, and only for somebody who has once confirmed
    (3) an import whose owner states that these people have confirmed

Asking changes nothing about a person whom we know; only the answer to the confirmation does. Each act below runs inside its
caller's transaction, together with the consent row that shows it, and may run twice: the second time it finds nothing to do.
*key* is the instance's suppression key, or the ring of them.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import OpenSignalError
from pipeline.keys import Keys
from pipeline.mail import caps
from pipeline.mail.addresses import Address
from pipeline.mail.tokens import new_ref, new_refs
from pipeline.model import Cadence, Choice, State, Subscriber
from pipeline.store import Connection, confirmations, consents, notices, subscribers, suppressions
from pipeline.store.confirmations import Confirmation
from pipeline.store.consents import ConsentEvent, Evidence
from pipeline.store.notices import NoticeKind
from pipeline.store.subscribers import NewSubscriber
from pipeline.store.suppressions import Reason

CONFIRM_WITHIN = dt.timedelta(hours=48)
MAIL_AGAIN_AFTER = dt.timedelta(hours=24)  # a confirmation or a reminder, to one address (M-39)
GIVE_UP_WINDOW = dt.timedelta(days=30)
GIVE_UP_AFTER = 3  # confirmations in that window that nobody answered (M-39)


class ChoiceError(OpenSignalError):
    """The visitor asks for a cadence or a topic that we do not have."""


class Event(StrEnum):
    """What may happen to a subscriber."""

    ASK = "ask"
    CONFIRM = "confirm"
    DECLINE = "decline"
    UNSUBSCRIBE = "unsubscribe"
    RETURN = "return"
    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    SUPPRESS = "suppress"
    ERASE = "erase"
    IMPORT = "import"
    VOUCH = "vouch"


def _everybody(to: State) -> dict[State | None, State]:
    return dict.fromkeys(State, to)


MOVES: Mapping[Event, Mapping[State | None, State]] = {
    Event.ASK: {None: State.PENDING, **{state: state for state in State}},
    Event.CONFIRM: {**_everybody(State.ACTIVE), State.PAUSED: State.PAUSED},
    Event.DECLINE: _everybody(State.SUPPRESSED),
    Event.UNSUBSCRIBE: {**_everybody(State.UNSUBSCRIBED), State.SUPPRESSED: State.SUPPRESSED},
    Event.RETURN: {
        State.UNSUBSCRIBED: State.ACTIVE,
        State.ACTIVE: State.ACTIVE,
        State.PAUSED: State.PAUSED,
    },
    Event.CHANGE: {State.ACTIVE: State.ACTIVE, State.PAUSED: State.PAUSED},
    Event.PAUSE: {State.ACTIVE: State.PAUSED, State.PAUSED: State.PAUSED},
    Event.RESUME: {State.ACTIVE: State.ACTIVE, State.PAUSED: State.ACTIVE},
    Event.SUPPRESS: _everybody(State.SUPPRESSED),
    Event.ERASE: _everybody(State.SUPPRESSED),
    Event.IMPORT: {None: State.PENDING},
    Event.VOUCH: {None: State.ACTIVE},
}


def move(state: State | None, event: Event) -> State | None:
    """The state that follows on *state* (None: nobody) after *event*; None where that is refused."""
    return MOVES[event].get(state)


class Outcome(StrEnum):
    """What came of an act."""

    DONE = "done"
    ALREADY = "already"  # it was so before; nothing was written
    EXPIRED = "expired"  # the confirmation is too old; sign up anew
    SPENT = "spent"  # the confirmation was answered, and the subscriber left since; sign up anew
    REFUSED = "refused"  # the state does not allow it
    GONE = "gone"  # no such subscriber or confirmation, or no longer


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an act, and the subscriber as it now stands."""

    outcome: Outcome
    subscriber: Subscriber | None = None


GONE = Result(Outcome.GONE)


def parse_choice(cadence: str, topics: Iterable[str], *, known: Collection[str]) -> Choice:
    """The choice that a form or a file names. No topics means all.

    Raises `ChoiceError` for a cadence or a topic that is not there.
    """
    try:
        wanted = Cadence(cadence.strip().lower() or Cadence.DAILY)
    except ValueError:
        raise ChoiceError("please choose daily, weekly or each article") from None
    names = frozenset(topic.strip() for topic in topics if topic.strip())
    if unknown := sorted(names - set(known)):
        raise ChoiceError(f"there is no topic {_shown(unknown[0])}; choose among {', '.join(known) or 'none'}")
    return Choice(wanted, names)


def _shown(topic: str) -> str:
    """What was typed, unless it could be anything: reports and logs hold no addresses."""
    return f'"{topic}"' if re.fullmatch("[a-z0-9-]{1,40}", topic) else "of that name"


# --- coming -------------------------------------------------------------------------------------------------------------------


def sign_up_requested(
    connection: Connection,
    address: Address,
    choice: Choice,
    evidence: Evidence,
    *,
    asked_at: dt.datetime,
    key: Keys,
    now: dt.datetime,
) -> NoticeKind | None:
    """Somebody typed this address into a form at *asked_at*. Returns the notice that will be mailed, if any.

    A new or returning person is asked to confirm; one who gets mail already is told where the preferences are; an address whose
    owner said "this was not me", or that bounced, gets nothing. Nobody is written to more often than `MAIL_AGAIN_AFTER`.
    """
    reason = suppressions.renew(connection, key, address.key)
    if reason is not None and reason.is_final:
        return None
    subscriber = subscribers.add(
        connection, NewSubscriber(new_ref(), address.email, address.key, State.PENDING, choice, created_at=asked_at)
    )
    if subscriber.state in (State.ACTIVE, State.PAUSED):
        return _remind(connection, subscriber, now=now)
    if subscriber.state is State.SUPPRESSED and reason is None:
        return None
    return _ask(connection, subscriber, choice, evidence, asked_at=asked_at, now=now)


def _remind(connection: Connection, subscriber: Subscriber, *, now: dt.datetime) -> NoticeKind | None:
    last = notices.last_added(connection, subscriber.id, NoticeKind.KNOWN)
    if last is not None and last > now - MAIL_AGAIN_AFTER:
        return None
    notices.add(connection, kind=NoticeKind.KNOWN, subscriber_id=subscriber.id, now=now)
    return NoticeKind.KNOWN


def _ask(
    connection: Connection,
    subscriber: Subscriber,
    choice: Choice,
    evidence: Evidence,
    *,
    asked_at: dt.datetime,
    now: dt.datetime,
) -> NoticeKind | None:
    if confirmations.unanswered(connection, subscriber.id, since=now - MAIL_AGAIN_AFTER):
        return None
    if confirmations.unanswered(connection, subscriber.id, since=now - GIVE_UP_WINDOW) >= GIVE_UP_AFTER:
        return None
    number = confirmations.add(
        connection, subscriber.id, ref=new_ref(), choice=choice, asked_at=now, expires_at=now + CONFIRM_WITHIN
    )
    consents.add(connection, subscriber.id, ConsentEvent.ASKED, evidence, choice=choice, now=asked_at)
    notices.add(connection, kind=NoticeKind.CONFIRM, subscriber_id=subscriber.id, confirmation_id=number, now=now)
    return NoticeKind.CONFIRM


def look_at(connection: Connection, ref: str, *, now: dt.datetime) -> tuple[Result, Choice]:
    """What confirming the question *ref* would come to, and the choice it asks about; changes nothing."""
    question = confirmations.by_ref(connection, ref)
    subscriber = subscribers.by_id(connection, question.subscriber_id) if question else None
    if question is None or subscriber is None:
        return GONE, Choice()
    return Result(_answer(question, subscriber, now=now), subscriber), question.choice


def confirm(connection: Connection, ref: str, evidence: Evidence, *, key: Keys, now: dt.datetime) -> Result:
    """The owner of the mailbox says yes to the question *ref*: the choice asked for takes effect, and a welcome is mailed."""
    question, subscriber = _question(connection, ref)
    if question is None or subscriber is None:
        return GONE
    outcome = _answer(question, subscriber, now=now)
    if outcome is not Outcome.DONE:
        return Result(outcome, subscriber)
    email_key = _email_key(connection, subscriber)
    reason = suppressions.renew(connection, key, email_key)
    if reason is not None and reason.is_final:
        return Result(Outcome.REFUSED, subscriber)
    # Later than the one before, whatever two clocks or an imported date say: the database ends no suppression otherwise.
    at = max(now, subscriber.confirmed_at + dt.timedelta(microseconds=1)) if subscriber.confirmed_at else now
    subscribers.set_confirmed(connection, subscriber.id, question.choice, now=at)
    suppressions.remove(connection, key, email_key, now=now)
    confirmations.close(connection, subscriber.id, now=now)
    caps.answered(connection, key, email_key)
    consents.add(connection, subscriber.id, ConsentEvent.CONFIRMED, evidence, choice=question.choice, now=now)
    notices.add(connection, kind=NoticeKind.WELCOME, subscriber_id=subscriber.id, now=now)
    return _done(connection, subscriber)


def _answer(question: Confirmation, subscriber: Subscriber, *, now: dt.datetime) -> Outcome:
    """What a yes to this question comes to."""
    state = move(subscriber.state, Event.CONFIRM)
    if state is None:
        return Outcome.REFUSED
    if state is subscriber.state:
        return Outcome.ALREADY
    if question.used_at is not None:
        return Outcome.SPENT
    if question.expires_at <= now:
        return Outcome.EXPIRED
    return Outcome.DONE


def decline(connection: Connection, ref: str, evidence: Evidence, *, key: Keys, now: dt.datetime) -> Result:
    """The owner of the mailbox says about the question *ref*: this was not me. Nothing is ever sent there again."""
    question, subscriber = _question(connection, ref)
    if question is None or subscriber is None:
        return GONE
    email_key = _email_key(connection, subscriber)
    if subscriber.state is State.SUPPRESSED and suppressions.renew(connection, key, email_key) is Reason.NOT_ME:
        return Result(Outcome.ALREADY, subscriber)
    subscribers.set_state(connection, subscriber.id, _moved(subscriber, Event.DECLINE))
    suppressions.add(connection, key, email_key, Reason.NOT_ME, now=now)
    confirmations.close(connection, subscriber.id, now=now)
    consents.add(connection, subscriber.id, ConsentEvent.DECLINED, evidence, now=now)
    return _done(connection, subscriber)


def resubscribe(connection: Connection, ref: str, evidence: Evidence, *, now: dt.datetime) -> Result:
    """Somebody who unsubscribed comes back by the signed link in an old letter, with the choice they had."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None:
        return GONE
    state = move(subscriber.state, Event.RETURN)
    if state is subscriber.state:
        return Result(Outcome.ALREADY, subscriber)
    if state is None or subscriber.confirmed_at is None:
        return Result(Outcome.REFUSED, subscriber)
    subscribers.set_state(connection, subscriber.id, state)
    confirmations.close(connection, subscriber.id, now=now)
    consents.add(connection, subscriber.id, ConsentEvent.RETURNED, evidence, choice=subscriber.choice, now=now)
    return _done(connection, subscriber)


# --- staying ------------------------------------------------------------------------------------------------------------------


def change_choice(connection: Connection, ref: str, choice: Choice, evidence: Evidence, *, now: dt.datetime) -> Result:
    """A subscriber wants another cadence or other topics."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None:
        return GONE
    if move(subscriber.state, Event.CHANGE) is None:
        return Result(Outcome.REFUSED, subscriber)
    if choice == subscriber.choice:
        return Result(Outcome.ALREADY, subscriber)
    subscribers.set_choice(connection, subscriber.id, choice)
    consents.add(connection, subscriber.id, ConsentEvent.CHANGED, evidence, choice=choice, now=now)
    return _done(connection, subscriber)


def pause(
    connection: Connection, ref: str, evidence: Evidence, *, until: dt.datetime | None, now: dt.datetime
) -> Result:
    """A subscriber wants no mail before *until*; None: before they come back."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None:
        return GONE
    state = move(subscriber.state, Event.PAUSE)
    if state is None:
        return Result(Outcome.REFUSED, subscriber)
    if (state, until) == (subscriber.state, subscriber.paused_until):
        return Result(Outcome.ALREADY, subscriber)
    subscribers.set_state(connection, subscriber.id, state, paused_until=until)
    detail = f"until {until.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if until else "until they come back"
    consents.add(connection, subscriber.id, ConsentEvent.PAUSED, evidence, detail=detail, now=now)
    return _done(connection, subscriber)


def resume(connection: Connection, ref: str, evidence: Evidence, *, now: dt.datetime) -> Result:
    """A subscriber who paused wants mail again."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None:
        return GONE
    state = move(subscriber.state, Event.RESUME)
    if state is None:
        return Result(Outcome.REFUSED, subscriber)
    if state is subscriber.state:
        return Result(Outcome.ALREADY, subscriber)
    subscribers.set_state(connection, subscriber.id, state)
    consents.add(connection, subscriber.id, ConsentEvent.RESUMED, evidence, now=now)
    return _done(connection, subscriber)


# --- leaving ------------------------------------------------------------------------------------------------------------------


def unsubscribe(connection: Connection, ref: str, evidence: Evidence, *, now: dt.datetime) -> Result:
    """No more mail from this commit on: whoever sends reads the state in the transaction that claims the delivery (M-17)."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None:
        return GONE
    state = _moved(subscriber, Event.UNSUBSCRIBE)
    if state is subscriber.state:
        return Result(Outcome.ALREADY, subscriber)
    subscribers.set_state(connection, subscriber.id, state)
    confirmations.close(connection, subscriber.id, now=now)
    consents.add(connection, subscriber.id, ConsentEvent.WITHDRAWN, evidence, now=now)
    return _done(connection, subscriber)


def suppress(
    connection: Connection, ref: str, why: Reason, evidence: Evidence, *, key: Keys, now: dt.datetime
) -> Result:
    """Never write to this subscriber again: the address bounced, or its owner complained."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None or not subscriber.email:
        return GONE
    email_key = _email_key(connection, subscriber)
    before = suppressions.renew(connection, key, email_key)
    confirmations.close(connection, subscriber.id, now=now)  # who is out already may have asked since
    if subscriber.state is State.SUPPRESSED and before is not None and (before.is_final or not why.is_final):
        return Result(Outcome.ALREADY, subscriber)
    subscribers.set_state(connection, subscriber.id, _moved(subscriber, Event.SUPPRESS))
    suppressions.add(connection, key, email_key, why, now=now)
    consents.add(connection, subscriber.id, ConsentEvent.SUPPRESSED, evidence, detail=why.value, now=now)
    return _done(connection, subscriber)


def erase(connection: Connection, ref: str, evidence: Evidence, *, key: Keys, now: dt.datetime) -> Result:
    """Delete everything that says who this was; kept are the consents under a random number, and the keyed hash of the address."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None:
        return GONE
    if not subscriber.email:
        return Result(Outcome.ALREADY, subscriber)
    suppressions.add(connection, key, _email_key(connection, subscriber), Reason.ERASED, now=now)
    subscribers.erase(connection, subscriber.id)
    consents.add(connection, subscriber.id, ConsentEvent.ERASED, evidence, now=now)
    return _done(connection, subscriber)


# --- brought along ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Imported:
    """One person whom an import brings along."""

    address: Address
    choice: Choice
    confirmed_at: dt.datetime | None  # None: has not confirmed, or nobody knows when


class Skipped(StrEnum):
    """Why an import passes somebody by."""

    TWICE = "twice in the file"
    KNOWN = "here already"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    ERASED = "erased"


def import_rows(
    connection: Connection,
    rows: Sequence[Imported],
    evidence: Evidence,
    *,
    vouched: bool,
    detail: str,
    first_id: int,
    key: Keys,
    now: dt.datetime,
) -> list[Skipped | None]:
    """Add those whom we do not know yet; for each row, why it was skipped, or None.

    *vouched*: the owner states that these people have confirmed; else they are pending. Nobody is revived, nobody's choice is
    changed. *detail* is kept with each consent. *first_id*: the highest number before this import, which tells a repetition.
    """
    verdicts = _judged(connection, rows, key=key)
    state = move(None, Event.VOUCH if vouched else Event.IMPORT)
    assert state is not None
    unknown = [number for number, verdict in enumerate(verdicts) if verdict is None]
    fresh = dict(zip(new_refs(len(unknown)), unknown, strict=True))
    news = [_new(ref, rows[number], state, now=now) for ref, number in fresh.items()]
    added = subscribers.add_many(connection, news)
    there = [number for ref, number in fresh.items() if ref not in added]
    known = subscribers.known(connection, [rows[number].address.key for number in there]) if there else {}
    for number in there:
        verdicts[number] = _why_not(known.get(rows[number].address.key), first_id=first_id)
    people = [
        (number, rows[fresh[ref]].choice, _with_date(detail, rows[fresh[ref]].confirmed_at))
        for ref, number in added.items()
    ]
    consents.add_many(connection, people, ConsentEvent.IMPORTED, evidence, now=now)
    return verdicts


def _judged(connection: Connection, rows: Sequence[Imported], *, key: Keys) -> list[Skipped | None]:
    """Why a row is skipped, as far as these rows and the suppressions tell."""
    reasons = suppressions.reasons(connection, key, [row.address.key for row in rows])
    seen: set[str] = set()
    verdicts: list[Skipped | None] = []
    for row in rows:
        name = row.address.key
        if name in seen:
            verdicts.append(Skipped.TWICE)
        elif (reason := reasons.get(name)) is not None:
            verdicts.append(Skipped.ERASED if reason is Reason.ERASED else Skipped.SUPPRESSED)
        else:
            verdicts.append(None)
        seen.add(name)
    return verdicts


def _why_not(known: tuple[int, State] | None, *, first_id: int) -> Skipped:
    """Why somebody who is here already is skipped; None: who was, and was erased in this very moment."""
    if known is None:
        return Skipped.ERASED
    number, state = known
    if number > first_id:
        return Skipped.TWICE
    return {State.UNSUBSCRIBED: Skipped.UNSUBSCRIBED, State.SUPPRESSED: Skipped.SUPPRESSED}.get(state, Skipped.KNOWN)


def _new(ref: str, row: Imported, state: State, *, now: dt.datetime) -> NewSubscriber:
    confirmed_at = (
        min(row.confirmed_at or now, now) if state is State.ACTIVE else None
    )  # a day without a zone may lie ahead
    return NewSubscriber(ref, row.address.email, row.address.key, state, row.choice, now, confirmed_at)


@functools.lru_cache(maxsize=1_000)
def _with_date(detail: str, confirmed_at: dt.datetime | None) -> str:
    when = confirmed_at.astimezone(dt.UTC).isoformat(timespec="seconds") if confirmed_at else "no date given"
    return f"{detail}; confirmed: {when}"


# --- shared by the acts -------------------------------------------------------------------------------------------------------


def _question(connection: Connection, ref: str) -> tuple[Confirmation | None, Subscriber | None]:
    """The question and its subscriber, who is locked; read again behind the lock, for another request may have answered it."""
    question = confirmations.by_ref(connection, ref)
    if question is None:
        return None, None
    subscriber = subscribers.by_id(connection, question.subscriber_id, lock=True)
    return confirmations.by_ref(connection, ref), subscriber


def _email_key(connection: Connection, subscriber: Subscriber) -> str:
    email_key = subscribers.email_key(connection, subscriber.id)
    assert email_key is not None, "an erased subscriber has no questions and no address"
    return email_key


def _moved(subscriber: Subscriber, event: Event) -> State:
    state = move(subscriber.state, event)
    assert state is not None, "everybody may leave"
    return state


def _done(connection: Connection, subscriber: Subscriber) -> Result:
    return Result(Outcome.DONE, subscribers.by_id(connection, subscriber.id))
