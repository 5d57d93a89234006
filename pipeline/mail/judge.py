"""What a mail server's reply means for a letter: the decision alone, without network, database or clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.model import DeliveryStatus, Reply

# How long to wait after the first, second, ... refusal. RFC 5321 4.5.4.1 asks for at least 30 minutes on average and 4 to 5 days in
# all; news is stale sooner: we give up after about two days (M-30).
WAITS = (
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(minutes=45),
    dt.timedelta(hours=2),
    dt.timedelta(hours=4),
    *[dt.timedelta(hours=8)] * 5,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    status: DeliveryStatus
    next_at: dt.datetime | None = None


def judge(reply: Reply, attempts: int, *, now: dt.datetime) -> Outcome:
    """Tell what *reply* means for a letter that was tried *attempts* times before."""
    if reply.accepted:
        return Outcome(DeliveryStatus.SENT)
    if reply.permanent:
        return Outcome(DeliveryStatus.FAILED)
    return _again(DeliveryStatus.DEFERRED, attempts, now)


def judge_broken_line(attempts: int, *, uncertain: bool, now: dt.datetime) -> Outcome:
    """Tell what to do with a letter whose connection broke: *uncertain* when the server may have taken it."""
    return _again(DeliveryStatus.UNCERTAIN if uncertain else DeliveryStatus.DEFERRED, attempts, now)


def _again(status: DeliveryStatus, attempts: int, now: dt.datetime) -> Outcome:
    if attempts >= len(WAITS):
        return Outcome(DeliveryStatus.FAILED)
    return Outcome(status, now + WAITS[attempts])
