"""What a person may ask for by themselves: everything that is kept about them (P-04), or that it be erased (P-05).

    asked for behind a link in any letter | a fresh link is mailed | its button does it, once, within 24 hours

A letter may have been forwarded; whoever holds it can unsubscribe its reader, and have them mailed a link once a day, but neither
read nor erase anything (T-08).
"""

from __future__ import annotations

import datetime as dt

from pipeline.mail.lifecycle import GONE, MAIL_AGAIN_AFTER, Outcome, Result
from pipeline.mail.tokens import new_ref
from pipeline.model import State
from pipeline.store import Connection, notices, requests, subscribers
from pipeline.store.notices import NoticeKind
from pipeline.store.requests import Request, RequestKind

GOOD_FOR = dt.timedelta(hours=24)
MAY_ASK = (State.ACTIVE, State.PAUSED, State.UNSUBSCRIBED)  # to the others, no letter goes


def ask(connection: Connection, ref: str, kind: RequestKind, *, now: dt.datetime) -> Result:
    """The subscriber *ref* asks; a link is mailed to them, at most one of a kind a day."""
    subscriber = subscribers.by_ref(connection, ref, lock=True)
    if subscriber is None or not subscriber.email:
        return GONE
    if subscriber.state not in MAY_ASK:
        return Result(Outcome.REFUSED, subscriber)
    before = [r for r in requests.of(connection, subscriber.id) if r.kind is kind]
    if any(r.asked_at > now - MAIL_AGAIN_AFTER for r in before):
        return Result(Outcome.ALREADY, subscriber)
    number = requests.add(connection, subscriber.id, kind, ref=new_ref(), asked_at=now, expires_at=now + GOOD_FOR)
    notices.add(connection, kind=NoticeKind(kind.value), subscriber_id=subscriber.id, request_id=number, now=now)
    return Result(Outcome.DONE, subscriber)


def look_at(connection: Connection, ref: str, kind: RequestKind, *, now: dt.datetime) -> Result:
    """What using the link of the request *ref* would come to; changes nothing."""
    _, result = _looked_at(connection, ref, kind, now=now, lock=False)
    return result


def use(connection: Connection, ref: str, kind: RequestKind, *, now: dt.datetime) -> Result:
    """Use the link of the request *ref*, once (T-07). On `Outcome.DONE` the caller does in this transaction what was asked for."""
    request, result = _looked_at(connection, ref, kind, now=now, lock=True)
    if request is not None and result.outcome is Outcome.DONE:
        requests.use(connection, request.id, now=now)
    return result


def _looked_at(
    connection: Connection, ref: str, kind: RequestKind, *, now: dt.datetime, lock: bool
) -> tuple[Request | None, Result]:
    request = requests.by_ref(connection, ref)
    subscriber = subscribers.by_id(connection, request.subscriber_id, lock=lock) if request else None
    if lock and request is not None:
        request = requests.by_ref(connection, ref)  # behind the lock: another press may have used it
    if request is None or subscriber is None or not subscriber.email or request.kind is not kind:
        return None, GONE
    return request, Result(_answer(request, now=now), subscriber)


def _answer(request: Request, *, now: dt.datetime) -> Outcome:
    if request.used_at is not None:
        return Outcome.SPENT
    if request.expires_at <= now:
        return Outcome.EXPIRED
    return Outcome.DONE
