"""What news of a delivery means for its subscriber: the decision alone, without mail, database or clock (M-25, M-27).

A table says it for each class of refusal, and another one for each kind of complaint. The class decides, never the receiver's word
"permanent". Only news that a signature of ours names somebody in gets here.

A relay of ours answers 250 before it knows whether the letter arrives, so that answer shows no mailbox to be alive. A letter *has
arrived*, as far as we can know, when nothing has come back of it for `QUIET`: longer than any relay goes on trying.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.mail.bounces.reading import Kind
from pipeline.model import BounceClass
from pipeline.store.bounces import Bounce, Letter
from pipeline.store.suppressions import Reason

QUIET = dt.timedelta(days=6)  # RFC 5321 4.5.4.1: relays give up after 4 to 5 days
LOOK_BACK = dt.timedelta(days=90)  # what is older counts no more
SOFT_DAYS = 5  # on so many days ...
SOFT_SPAN = dt.timedelta(days=14)  # ... over at least so long, with no letter that arrived between them
DEAD_DAYS = 3  # a domain that does not answer: on so many days ...
DEAD_SPAN = dt.timedelta(days=14)  # ... within so many


class Action(StrEnum):
    """What was done about it."""

    SUPPRESSED = "suppressed"  # never written to again
    UNSUBSCRIBED = "unsubscribed"  # they asked for it
    COUNTED = "counted"  # one more day on which the mailbox could not be reached
    NOTED = "noted"  # written down; nobody is changed
    ALARM = "alarm"  # written down, and told to the operator
    UNSIGNED = "unsigned"  # nothing of ours in it names anybody; nobody is changed
    AGAIN = "again"  # it came before: nothing at all


class Rule(StrEnum):
    """What a class of news comes to."""

    SUPPRESS = "suppress"  # at once
    SOFT = "soft"  # count the day; suppress when it goes on
    DEAD = "dead"  # the same, for a whole domain
    NOTHING = "nothing"
    TELL = "tell"  # a person should look


BOUNCE_RULES: Mapping[BounceClass, Rule] = {
    BounceClass.ADDRESS: Rule.SUPPRESS,  # no such mailbox
    BounceClass.DOMAIN: Rule.DEAD,  # nobody takes mail for the domain
    BounceClass.MAILBOX: Rule.SOFT,  # full, or closed for now
    BounceClass.POLICY: Rule.NOTHING,  # our fault, or their rule: counted for the domain, see `intake`
    BounceClass.GREYLIST: Rule.NOTHING,  # the relay tries again
    BounceClass.UNKNOWN: Rule.SOFT,
}
COMPLAINT_RULES: Mapping[str, Rule] = {  # Feedback-Type, RFC 5965 7.3 and what receivers added
    "abuse": Rule.SUPPRESS,
    "opt-out": Rule.SUPPRESS,
    "opt-out-list": Rule.SUPPRESS,
    "fraud": Rule.TELL,
    "virus": Rule.TELL,
    "other": Rule.TELL,
    "not-spam": Rule.NOTHING,
    "auth-failure": Rule.NOTHING,
}
CALLS_IT_SPAM = tuple(name for name, rule in COMPLAINT_RULES.items() if rule is Rule.SUPPRESS)


@dataclass(frozen=True, slots=True)
class History:
    """On which days earlier news of the same kind came, since a letter last arrived."""

    soft: frozenset[dt.date] = frozenset()
    dead: frozenset[dt.date] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason | None = None  # of the suppression


def decide(kind: Kind, category: str, history: History, *, day: dt.date) -> Decision:
    """What to do about news of a letter that left on *day*, after all that *history* tells."""
    if kind is Kind.COMPLAINT:
        return _on_complaint(COMPLAINT_RULES.get(category, Rule.TELL))
    if kind is not Kind.BOUNCE:
        return Decision(Action.NOTED)
    rule = BOUNCE_RULES[BounceClass(category)]
    if rule is Rule.SUPPRESS:
        return Decision(Action.SUPPRESSED, Reason.BOUNCE)
    if rule is Rule.SOFT:
        return _counted(history.soft, day, over=_goes_on(history.soft | {day}))
    if rule is Rule.DEAD:
        return _counted(history.dead, day, over=_stays_dead(history.dead | {day}))
    return Decision(Action.NOTED)


def is_for_a_person(category: str) -> bool:
    """Whether a complaint of this Feedback-Type is one for the operator to look at, whoever it is about."""
    return COMPLAINT_RULES.get(category, Rule.TELL) is Rule.TELL


def _on_complaint(rule: Rule) -> Decision:
    if rule is Rule.SUPPRESS:
        return Decision(Action.SUPPRESSED, Reason.COMPLAINT)
    return Decision(Action.ALARM if rule is Rule.TELL else Action.NOTED)


def _counted(before: frozenset[dt.date], day: dt.date, *, over: bool) -> Decision:
    if over:
        return Decision(Action.SUPPRESSED, Reason.BOUNCE)
    return Decision(Action.NOTED if day in before else Action.COUNTED)  # at most one a day


def _goes_on(days: frozenset[dt.date]) -> bool:
    return len(days) >= SOFT_DAYS and max(days) - min(days) >= SOFT_SPAN


def _stays_dead(days: frozenset[dt.date]) -> bool:
    newest = sorted(days)[-DEAD_DAYS:]
    return len(newest) >= DEAD_DAYS and newest[-1] - newest[0] < DEAD_SPAN


def history(
    letters: Sequence[Letter], bounces: Sequence[Bounce], *, confirmed_at: dt.datetime | None, now: dt.datetime
) -> History:
    """What counts of the *bounces* about one subscriber, who was sent *letters*; the one that just came is among the bounces.

    *confirmed_at*: then, a letter arrived for certain.
    """
    arrivals = [at for at in (last_arrival(letters, bounces, now=now), confirmed_at) if at]
    arrived = max(arrivals, default=None)
    sent = {letter.issue_id: letter.sent_at for letter in letters}
    days: dict[Rule, set[dt.date]] = {Rule.SOFT: set(), Rule.DEAD: set()}
    for bounce in bounces:
        if bounce.kind != Kind.BOUNCE or bounce.action not in (Action.COUNTED, Action.SUPPRESSED):
            continue
        moment = when(bounce.issue_id, sent, otherwise=bounce.at)
        if (rule := BOUNCE_RULES[BounceClass(bounce.category)]) in days and (arrived is None or moment > arrived):
            days[rule].add(moment.astimezone(dt.UTC).date())
    return History(frozenset(days[Rule.SOFT]), frozenset(days[Rule.DEAD]))


def when(issue_id: int | None, sent: Mapping[int, dt.datetime], *, otherwise: dt.datetime) -> dt.datetime:
    """When the letter that came back had left; a folder of old bounces, read at once, does not make one day of many."""
    return sent.get(issue_id, otherwise) if issue_id is not None else otherwise


def last_arrival(letters: Sequence[Letter], bounces: Sequence[Bounce], *, now: dt.datetime) -> dt.datetime | None:
    """When the last letter left that has arrived as far as we can know; None for none.

    A bounce that names no issue may be of any letter that left in the `QUIET` before it.
    """
    came_back = [bounce for bounce in bounces if bounce.kind == Kind.BOUNCE]
    issues = {bounce.issue_id for bounce in came_back}
    nameless = [bounce.at for bounce in came_back if bounce.issue_id is None]
    arrived = [
        letter.sent_at
        for letter in letters
        if letter.sent_at <= now - QUIET
        and letter.issue_id not in issues
        and not any(letter.sent_at <= at <= letter.sent_at + QUIET for at in nameless)
    ]
    return max(arrived, default=None)
