"""What a mail server's answer means for a letter and its receiver: the decision alone, without network, database or clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.mail.bounces.codes import classify
from pipeline.mail.smtp import SERVICE_CLOSES
from pipeline.model import BounceClass, DeliveryStatus, Reply

# How long to wait after the first, second, ... refusal. RFC 5321 4.5.4.1 asks for at least 30 minutes on average and 4 to 5 days in
# all; news is stale sooner (M-30).
WAITS = (
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(minutes=45),
    dt.timedelta(hours=2),
    dt.timedelta(hours=4),
    dt.timedelta(hours=8),
)
LETTERS_LIVE_FOR = dt.timedelta(hours=48)
NOTICES_LIVE_FOR = dt.timedelta(hours=24)

# How long a receiver is left alone after the third, fourth, ... refusal in a row, or at once when it closes the service.
DOMAIN_WAITS = (
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(minutes=45),
    dt.timedelta(hours=2),
)
STRIKES = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried with one letter before: how often, and when first. *lives_for* is how long to go on trying."""

    attempts: int = 0
    first_at: dt.datetime | None = None
    lives_for: dt.timedelta = LETTERS_LIVE_FOR


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the letter stands now, and what its receiver said of whom."""

    status: DeliveryStatus
    next_at: dt.datetime | None = None  # None with a status that is not final: it waits for a person
    about: BounceClass | None = None  # None: nobody was refused


def judge(reply: Reply, trial: Trial, *, now: dt.datetime) -> Outcome:
    """Tell what *reply* means for a letter of this *trial*."""
    if reply.accepted:
        return Outcome(DeliveryStatus.SENT)
    about = classify(reply.code, reply.enhanced, reply.text)
    if reply.permanent:
        return Outcome(DeliveryStatus.FAILED, about=about)
    return _again(DeliveryStatus.DEFERRED, trial, now, about=about)


def judge_refusal_of_us(reply: Reply, trial: Trial, *, now: dt.datetime) -> Outcome:
    """Tell what to do with a letter whose sender was refused, and not its reader.

    It is temporary, whatever the server calls it: nobody loses a letter for a fault that may be ours.
    """
    return judge(Reply(451, reply.enhanced), trial, now=now)


def judge_broken_line(trial: Trial, *, uncertain: bool, hold: bool = False, now: dt.datetime) -> Outcome:
    """Tell what to do with a letter whose connection broke: *uncertain* when the server may have taken it.

    With *hold*, an uncertain one is not sent again before a person says so.
    """
    if not uncertain:
        return _again(DeliveryStatus.DEFERRED, trial, now)
    if hold:
        return Outcome(DeliveryStatus.UNCERTAIN)
    return _again(DeliveryStatus.UNCERTAIN, trial, now)


def pauses(reply: Reply, outcome: Outcome, strikes: int, *, now: dt.datetime) -> dt.datetime | None:
    """Until when to leave the receiver's domain alone, after *strikes* refusals of this kind in a row; None: go on."""
    if not is_strike(reply, outcome):
        return None
    if reply.code != SERVICE_CLOSES and strikes < STRIKES:
        return None
    further = max(0, strikes - STRIKES)
    return now + DOMAIN_WAITS[min(further, len(DOMAIN_WAITS) - 1)]


def is_strike(reply: Reply, outcome: Outcome) -> bool:
    """True for a refusal that is about the traffic to the domain and not about one mailbox."""
    return reply.temporary and outcome.about in (BounceClass.GREYLIST, BounceClass.POLICY, BounceClass.UNKNOWN)


def _again(status: DeliveryStatus, trial: Trial, now: dt.datetime, *, about: BounceClass | None = None) -> Outcome:
    """The next try, after ever longer waits, or none where the letter's time is over."""
    wait = WAITS[min(trial.attempts, len(WAITS) - 1)]
    if now + wait - (trial.first_at or now) > trial.lives_for:
        return Outcome(DeliveryStatus.FAILED, about=about)
    return Outcome(status, now + wait, about)
