"""Mails that came back, from wherever they lie: read in a child process, taken in, and then marked as read where they are."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.config import Settings
from pipeline.mail.bounces import ReadMail
from pipeline.mail.bounces.intake import Intake, news_of, take_in
from pipeline.mail.bounces.mailbox import open_mailbox
from pipeline.mail.bounces.reader import Reader
from pipeline.store import Store

ROUND = 1_000  # mails of one round; the next one goes on
AT_ONCE = 20  # mails that are taken in before they are marked


def poll_bounces(
    store: Store,
    settings: Settings,
    *,
    now: dt.datetime,
    stop: threading.Event | None = None,
    at_most: int = ROUND,
) -> Intake:
    """Take in what has arrived in the mailbox that `bounces_url` names, *at_most* so many mails.

    Two that do it at once take each mail in once. Raises as `open_mailbox` does; what was taken in before stays so.
    """
    report = Intake()
    with open_mailbox(settings) as mailbox, Reader() as reader:
        names, left = mailbox.waiting(at_most)
        for start in range(0, len(names), AT_ONCE):
            if stop is not None and stop.is_set():
                return replace(report, left=left + len(names) - start)
            some = names[start : start + AT_ONCE]
            mails = [mailbox.read(name) for name in some]
            report += take_in_mails(store, settings, mails, reader=reader, origin=mailbox.origin, now=now)
            mailbox.taken(some)
    return replace(report, left=left)


def take_in_mails(
    store: Store, settings: Settings, mails: Iterable[bytes], *, reader: Reader, origin: str, now: dt.datetime
) -> Intake:
    """Take in *mails* as they are; empty ones are gone, and passed by."""
    news = (news_of(raw, reader.read(raw)) for raw in mails if raw)
    return take_in(store, settings, news, origin=origin, now=now)


def taken_in(
    store: Store, settings: Settings, mails: Iterable[ReadMail], *, now: dt.datetime
) -> Iterator[tuple[ReadMail, str]]:
    """Take in *mails* that were read from files, and tell of each what was done about it."""
    for origin, some in itertools.groupby(mails, key=lambda mail: mail.found.origin):
        while batch := list(itertools.islice(some, AT_ONCE)):
            news = [news_of(mail.found.raw, mail.reading) for mail in batch if not mail.found.problem]
            settled = iter(take_in(store, settings, news, origin=origin, now=now).settled)
            for mail in batch:
                yield mail, "unreadable" if mail.found.problem else next(settled).action.value
