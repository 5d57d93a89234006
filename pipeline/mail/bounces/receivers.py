"""What bounces and complaints say about a receiver, not about its readers: a pause for the domain, or the end of an issue there.

A refusal for what we are (authentication, block lists, spam filters) changes no subscriber, ever. Many of them say that something
is wrong on our side: mail to that domain waits, and the operator is told (M-25). Many complaints about one issue say that it should
not go to anybody else there (M-28).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from enum import StrEnum

from pipeline.mail.bounces.decide import CALLS_IT_SPAM
from pipeline.model import BounceClass
from pipeline.store import Store, bounces, domains

REFUSALS_WINDOW = dt.timedelta(days=1)
REFUSALS = 20  # so many people's letters in that time, or ...
REFUSED_SHARE = 0.05  # ... such a part of the letters that the domain was sent of those issues, ...
FEWEST_REFUSALS = 3  # ... if it is more than one person's filter
PAUSE = dt.timedelta(hours=4)  # then the next letters try again

WARN_ABOVE = 0.001  # complaints among accepted letters; the large providers ask to stay below (M-01)
STOP_ABOVE = 0.003  # from here on they refuse mail
STOP_FROM = 5  # complaints


class Verdict(StrEnum):
    FINE = "fine"
    WARN = "warn"
    STOP = "stop"


def refuses_us(refused: int, accepted: int) -> bool:
    """Whether so many refusals, beside so many letters that the domain was sent, are a matter for the operator."""
    share = refused / accepted if accepted else 0.0
    return refused >= REFUSALS or (refused >= FEWEST_REFUSALS and share >= REFUSED_SHARE)


def weigh(complaints: int, accepted: int) -> Verdict:
    """What so many complaints among so many accepted letters of one issue at one receiver mean for it."""
    if not complaints or not accepted:
        return Verdict.FINE
    share = complaints / accepted
    if share > STOP_ABOVE and complaints >= STOP_FROM:
        return Verdict.STOP
    return Verdict.WARN if share > WARN_ABOVE else Verdict.FINE


def watch(
    store: Store,
    *,
    refusing: Collection[str],
    complaining: Collection[tuple[int, str]],
    now: dt.datetime,
) -> list[str]:
    """Look at the receivers that refused us, and those at which an issue was complained about. Returns what a person should know.

    Counting is done outside of the transaction that writes: it takes a while for a large issue, and nobody is to wait for it.
    """
    told = [_refusing(store, domain, now=now) for domain in sorted(refusing)]
    told += [_complaining(store, issue_id, domain, now=now) for issue_id, domain in sorted(complaining)]
    return [line for line in told if line]


def _refusing(store: Store, domain: str, *, now: dt.datetime) -> str:
    with store.reading() as connection:
        refused, issues = bounces.refusals(
            connection, domain, category=BounceClass.POLICY.value, since=now - REFUSALS_WINDOW
        )
        accepted = bounces.accepted(connection, issues, domain)
    if not refuses_us(refused, accepted):
        return ""
    reason = f"it refused the letters of {refused} readers within a day for what we are, not for whom they were to"
    until = now + PAUSE
    with store.writing() as connection:
        if not domains.pause(connection, domain, until=until, reason=reason, now=now):
            return ""  # the operator has been told
    return (
        f"{domain}: {reason}; nobody was dropped, and mail there waits until {until.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC; "
        "check SPF, DKIM, DMARC and block lists"
    )


def _complaining(store: Store, issue_id: int, domain: str, *, now: dt.datetime) -> str:
    with store.reading() as connection:
        complaints = bounces.complaints(connection, issue_id, domain, categories=CALLS_IT_SPAM)
        accepted = bounces.accepted(connection, [issue_id], domain)
        key = bounces.issue_key(connection, issue_id)
    verdict = weigh(complaints, accepted)
    if verdict is Verdict.FINE:
        return ""
    what = f"{key}: {complaints} of {accepted} readers at {domain} called it spam"
    if verdict is Verdict.WARN:
        return f"{what}; above 0.3 % from 5 complaints on, the rest of the issue is not sent there"
    with store.writing() as connection:
        is_new = bounces.stop(connection, issue_id, domain, complaints=complaints, accepted=accepted, now=now)
    return f"{what}; the rest of the issue is not sent there" if is_new else ""
