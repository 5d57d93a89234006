"""Plan an issue: who gets which letter, composed once a selection and written down as one durable row a subscriber.

Subscribers are read in order of their number, in batches; a plan that was cut off goes on behind the last row it wrote.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    composed: dict[Selection, Composed] = {}
    after, ended = _last_planned(store, stored), not gathering.candidates
    while not ended:
        with store.writing() as connection:
            # Nobody else plans meanwhile: two issues at once would both bring what neither has brought yet.
            issues.lock_planning(connection)
            stored = issues.find(connection, issue.key)
            first_time = not stored or not stored.planned_at
            if stored and first_time:  # another process may have come further since
                after = max(after, deliveries.last_planned(connection, stored.id))
            batch = _next_batch(connection, gathering, after=after, size=batch_size, now=now)
            missing = [selection for selection in batch.selections if selection not in composed]
            if not missing:
                stored = _write(connection, stored, issue, batch, composed, again=not first_time, now=now)
                after, ended = batch.last, not batch.readers
        # Composing takes long, and nobody is to wait for it: the batch is looked at again afterwards.
        for selection in missing:
            composed[selection] = compose(gathering.issue, selection.articles)
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
    foreseen: Counter[Selection] = Counter()
    after, ended = 0, not gathering.candidates
    while not ended:
        with store.reading() as connection:
            batch = _next_batch(connection, gathering, after=after, size=BATCH, now=now)
        foreseen.update(selection for _, selection in batch.chosen)
        after, ended = batch.last, not batch.readers
    return foreseen


@dataclass(frozen=True, slots=True)
class _Batch:
    """So many *readers*, up to the number *last*; those who get something are *chosen*, each with what."""

    readers: int
    last: int
    chosen: Sequence[tuple[Reader, Selection]]

    @property
    def selections(self) -> Iterable[Selection]:
        return dict.fromkeys(selection for _, selection in self.chosen)


def _next_batch(connection: Connection, gathering: Gathering, *, after: int, size: int, now: dt.datetime) -> _Batch:
    """The next readers behind number *after*, and what each gets."""
    readers = deliveries.readers(connection, gathering.issue.cadence, after=after, limit=size, now=now)
    if not readers:
        return _Batch(0, after, ())
    known = issues.letters_with(connection, [article.slug for article in gathering.candidates])
    carried = {letter: gathering.bits_of(slugs) for letter, slugs in known.items()}
    had = _had(connection, carried, first=readers[0].id, last=readers[-1].id)
    chosen = (
        (r, gathering.select(topics=r.topics, confirmed_at=r.confirmed_at, had=had.get(r.id, 0))) for r in readers
    )
    return _Batch(len(readers), readers[-1].id, [(reader, selection) for reader, selection in chosen if selection])


def _write(
    connection: Connection,
    stored: StoredIssue | None,
    issue: Issue,
    batch: _Batch,
    composed: Mapping[Selection, Composed],
    *,
    again: bool,
    now: dt.datetime,
) -> StoredIssue | None:
    """A row for each reader who gets something, and the issue itself with the first of them. *again*: some have one already."""
    if not batch.chosen:
        return stored
    stored = stored or issues.create(connection, issue, now=now)
    letters = {
        selection: _keep(connection, stored.id, selection, composed[selection]) for selection in batch.selections
    }
    rows = [(r.id, letters[selection], r.domain) for r, selection in batch.chosen]
    deliveries.plan(connection, stored.id, rows, again=again)
    return stored


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
