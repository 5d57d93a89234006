"""Plan an issue: who gets which letter, composed once a selection and written down as one durable row a subscriber.

Subscribers are read in order of their number, in batches; a plan that was cut off goes on behind the last row it wrote.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.mail.gather import Gathering, Selection
from pipeline.model import Article, Cadence, Issue
from pipeline.store import Connection, Store, deliveries, issues
from pipeline.store.deliveries import Reader
from pipeline.store.issues import StoredIssue

BATCH = 5_000  # subscribers a transaction


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter as composed: the message holds blanks to stamp."""

    subject: str
    message: bytes


Compose = Callable[[Issue, Sequence[Article]], Composed]
Also = Callable[[Connection, StoredIssue], None]


def plan_issue(
    store: Store,
    issue: Issue,
    articles: Sequence[Article],
    compose: Compose,
    *,
    now: dt.datetime,
    batch_size: int = BATCH,
    also: Also | None = None,
) -> StoredIssue | None:
    """Write down who gets *issue*, all of it or what is missing. None when nobody has anything new to read.

    An issue once planned stays as it is, but for one of a single article: who changes to "each article" while it is due gets it.
    *also* writes what belongs to the plan, in the transaction that ends it.

    Nothing is sent; every letter is composed, so what cannot be composed fails here. Subscribers are taken *batch_size* at a time.
    """
    with store.reading() as connection:
        stored = issues.find(connection, issue.key)
    if stored and stored.planned_at and issue.cadence is not Cadence.EACH:
        if also:
            with store.writing() as connection:
                also(connection, stored)
        return stored
    gathering = Gathering(stored.issue if stored else issue, articles)
    letters: dict[Selection, int] = {}
    for batch in _batches(store, gathering, after=_last_planned(store, stored), size=batch_size, now=now):
        new = dict.fromkeys(selection for _, selection in batch if selection not in letters)
        composed = {selection: compose(gathering.issue, selection.articles) for selection in new}
        with store.writing() as connection:
            stored = stored or issues.create(connection, issue, now=now)
            for selection, letter in composed.items():
                letters[selection] = _keep(connection, stored.id, selection, letter)
            deliveries.plan(connection, stored.id, [(r.id, letters[selection], r.domain) for r, selection in batch])
    if stored:
        with store.writing() as connection:
            issues.mark_planned(connection, stored.id, now=now)
            if also:
                also(connection, stored)
        stored = replace(stored, planned_at=now)
    return stored


def foresee(store: Store, issue: Issue, articles: Sequence[Article], *, now: dt.datetime) -> Counter[Selection]:
    """How many subscribers would get which selection, if the issue were planned now. Writes nothing."""
    gathering = Gathering(issue, articles)
    return Counter(
        selection for batch in _batches(store, gathering, after=0, size=BATCH, now=now) for _, selection in batch
    )


def _batches(
    store: Store, gathering: Gathering, *, after: int, size: int, now: dt.datetime
) -> Iterator[list[tuple[Reader, Selection]]]:
    """Pairs of reader and selection, a batch at a time; readers with nothing new are left out."""
    if not gathering.candidates:
        return
    with store.reading() as connection:
        known = issues.letters_with(connection, [article.slug for article in gathering.candidates])
    carried = {letter: gathering.bits_of(slugs) for letter, slugs in known.items()}
    while True:
        with store.reading() as connection:
            readers = deliveries.readers(connection, gathering.issue.cadence, after=after, limit=size, now=now)
            if not readers:
                return
            had = _had(connection, carried, first=readers[0].id, last=readers[-1].id)
        after = readers[-1].id
        chosen = (
            (r, gathering.select(topics=r.topics, confirmed_at=r.confirmed_at, had=had.get(r.id, 0))) for r in readers
        )
        batch = [(reader, selection) for reader, selection in chosen if selection]
        if batch:
            yield batch


def _had(connection: Connection, carried: Mapping[int, int], *, first: int, last: int) -> dict[int, int]:
    """What each subscriber has had of the candidates, as bits; *carried* says what each letter brought of them."""
    had: dict[int, int] = {}
    for person, letter in deliveries.had(connection, list(carried), first=first, last=last):
        had[person] = had.get(person, 0) | carried[letter]
    return had


def _keep(connection: Connection, issue_id: int, selection: Selection, letter: Composed) -> int:
    return issues.add_letter(
        connection,
        issue_id,
        selection=selection.digest,
        subject=letter.subject,
        message=letter.message,
        slugs=selection.slugs,
    )


def _last_planned(store: Store, stored: StoredIssue | None) -> int:
    # One planned already is an `each` issue: it is looked through again, for people who have changed to it since.
    if not stored or stored.planned_at:
        return 0
    with store.reading() as connection:
        return deliveries.last_planned(connection, stored.id)
