"""Send: articles become issues, issues become letters, letters reach subscribers. The stage's verbs stand first.

    issue | compose once | plan a row a subscriber | claim | stamp | send | judge | record, until nothing is due

`gather` decides who gets which articles, `compose` writes the letter, `plan` the rows; `deliver` carries them over a
`transport` and `judge` reads the replies. On the other side of the module stand the people: `signups`, `lifecycle`,
`people`, `notices`.
"""

from __future__ import annotations

import datetime as dt
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.config import Settings
from pipeline.errors import ContentError, SendingElsewhere, TransportError
from pipeline.keys import load_key
from pipeline.library import Library
from pipeline.mail.compose import compose
from pipeline.mail.deliver import Clock, Tally, deliver
from pipeline.mail.gather import Gathering, due_issues, issue_named
from pipeline.mail.plan import Also, Compose, foresee, plan_issue
from pipeline.mail.stamp import Stamp
from pipeline.mail.tokens import new_ref
from pipeline.mail.transport import LineBroken, Transport
from pipeline.model import Article, Cadence, DeliveryStatus, Issue, Reply
from pipeline.store import Store, deliveries, issues
from pipeline.store.issues import StoredIssue

GOES_ON_FOR = dt.timedelta(
    days=4
)  # an issue older than that is not taken up again by itself: its letters have been given up


@dataclass(frozen=True, slots=True)
class SendReport:
    """What one run did with one issue. *planned* is how many the issue has in all, the other numbers are of this run."""

    issue: str
    planned: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    suppressed: int = 0
    uncertain: int = (
        0  # may have arrived twice: their worker died, or the line broke, before the server's answer was known
    )
    seconds: float = 0.0
    problem: str = ""  # why this issue could not be sent at all, where others could
    left: int = 0  # still to be sent, by another run
    waiting: int = 0  # how many of them are put off until later
    next_at: dt.datetime | None = None  # when the next of them is due
    line_lost: str = ""  # why the run ended early
    troubled: tuple[tuple[str, DeliveryStatus, Reply], ...] = ()  # ref of the subscriber, where it stands, last answer

    @property
    def did_something(self) -> bool:
        """False where there was nothing to send and nothing is left."""
        ended = self.sent + self.deferred + self.failed + self.suppressed + self.uncertain
        return bool(ended or self.left or self.line_lost or self.problem)

    def as_dict(self) -> dict[str, object]:
        names = ("issue", "planned", "sent", "deferred", "failed", "suppressed", "uncertain")
        numbers = {**{name: getattr(self, name) for name in names}, "seconds": round(self.seconds, 3)}
        return {**numbers, "problem": self.problem} if self.problem else numbers


@dataclass(frozen=True, slots=True)
class Preview:
    """What a send would do."""

    issue: str
    subscribers: int
    letters: tuple[tuple[int, str, tuple[str, ...]], ...]  # how many get it, its subject, its articles' slugs


def send_issue(
    store: Store,
    library: Library,
    settings: Settings,
    key: str,
    *,
    transport: Transport,
    clock: Clock,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> SendReport:
    """Send the issue that *key* names to everybody who is to get it and has not; safe to stop and to run again.

    Raises `UsageError` for a key that names no issue, `ContentError` when it cannot be composed, `TransportError` when the server
    cannot be reached, `SendingElsewhere` when another process is at it.
    """
    now = clock()
    with store.reading() as connection:
        stored = issues.find(connection, key)
    issue = stored.issue if stored else issue_named(key, library.published(now), settings, now=now)
    return _send(store, library, settings, issue, transport=transport, clock=clock, stop=stop, progress=progress)


def send_due(
    store: Store,
    library: Library,
    settings: Settings,
    *,
    transport: Transport,
    clock: Clock,
    stop: threading.Event | None = None,
) -> list[SendReport]:
    """Send every issue that the schedule asks for now, and go on with those that were cut off or have letters to try again.

    An issue with nothing to send is left out of the answer. One that cannot be composed, or that another process is sending, is a
    report with its `problem`, and stops no other. Raises `TransportError` when the server cannot be reached.
    """
    reports = []
    for issue in _to_send(store, library, settings, now=clock()):
        try:
            reports.append(_send(store, library, settings, issue, transport=transport, clock=clock, stop=stop))
        except (ContentError, SendingElsewhere) as error:
            reports.append(SendReport(issue.key, problem=str(error)))
    return [report for report in reports if report.did_something]


def plan_due(store: Store, library: Library, settings: Settings, *, clock: Clock, also: Also) -> list[SendReport]:
    """Plan every issue that `send_due` would send, for `send_share` to send it; sends nothing itself.

    *also* writes what belongs to each plan, in the transaction that ends it, and is called again for an issue that is planned and
    not out yet. The answer holds those that cannot be composed, each a report with its `problem`.
    """
    now, reports = clock(), []
    for issue in _to_send(store, library, settings, now=now):
        try:
            plan_issue(store, issue, _published(library, issue), _composer(library, settings), now=now, also=also)
        except ContentError as error:
            reports.append(SendReport(issue.key, problem=str(error)))
    return reports


def send_share(
    store: Store,
    settings: Settings,
    key: str,
    *,
    transport: Transport,
    clock: Clock,
    stop: threading.Event | None = None,
) -> SendReport:
    """Send what is due of the issue *key*, which is planned. Raises as `send_issue` does."""
    began = time.monotonic()
    with store.reading() as connection:
        stored = issues.find(connection, key)
    if stored is None:
        raise ContentError(f"{key} is not planned; run: opensignal send {key}")
    if not _something_is_due(store, stored, now=clock()):
        return SendReport(key)
    tally = _deliver(store, settings, stored, transport=transport, clock=clock, stop=stop)
    return _report(store, stored, tally, seconds=time.monotonic() - began)


def preview_issue(store: Store, library: Library, settings: Settings, key: str, *, now: dt.datetime) -> Preview:
    """Tell what `send_issue` would do now, and compose every letter of it. Writes and sends nothing."""
    published = library.published(now)
    issue = issue_named(key, published, settings, now=now)
    foreseen = foresee(store, issue, published, now=now)
    write = _composer(library, settings)
    letters = tuple(
        (number, write(issue, selection.articles).subject, selection.slugs)
        for selection, number in foreseen.most_common()
    )
    return Preview(issue.key, sum(foreseen.values()), letters)


def send_copy(
    library: Library, settings: Settings, key: str, *, address: str, transport: Transport, now: dt.datetime
) -> Reply:
    """Send one copy of the issue to *address*, for a look: all its articles, whatever was had. Nothing is recorded.

    Its links are signed for nobody: they open, and change nothing. Raises as `send_issue` does, and `ContentError` for an issue
    without any article.
    """
    published = library.published(now)
    issue = issue_named(key, published, settings, now=now)
    gathering = Gathering(issue, published)
    selection = gathering.select(topics="", confirmed_at=None, had=0)
    if selection is None:
        raise ContentError(f"{key}: no article is new enough for it; publish one, or name an earlier date")
    letter = _composer(library, settings)(issue, selection.articles)
    stamp = Stamp(letter.message, issue_key=f"copy-{key}", token_key=load_key(settings.state_dir, "token"))
    line = transport.connect()
    try:
        return line.send(settings.envelope_sender, address, stamp.copy_for(email=address, ref=new_ref()))
    except LineBroken as error:
        raise TransportError(
            f"mail server {transport.name} broke the connection: {error}; send the copy again"
        ) from error
    finally:
        line.close()


def _send(
    store: Store,
    library: Library,
    settings: Settings,
    issue: Issue,
    *,
    transport: Transport,
    clock: Clock,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> SendReport:
    began = time.monotonic()
    stored = plan_issue(store, issue, _published(library, issue), _composer(library, settings), now=clock())
    if stored is None:
        return SendReport(issue.key, seconds=time.monotonic() - began)
    tally = Tally()
    if _something_is_due(store, stored, now=clock()):
        tally = _deliver(store, settings, stored, transport=transport, clock=clock, stop=stop, progress=progress)
    return _report(store, stored, tally, seconds=time.monotonic() - began)


def _deliver(
    store: Store,
    settings: Settings,
    stored: StoredIssue,
    *,
    transport: Transport,
    clock: Clock,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    return deliver(
        store,
        stored,
        transport,
        sender=settings.envelope_sender,
        token_key=load_key(settings.state_dir, "token"),
        connections=settings.connections,
        clock=clock,
        stop=stop,
        progress=progress,
    )


def _to_send(store: Store, library: Library, settings: Settings, *, now: dt.datetime) -> list[Issue]:
    """Issues that are not out yet, oldest first, then those that the schedule asks for."""
    with store.reading() as connection:
        open_issues = [stored.issue for stored in issues.unfinished(connection, since=now - GOES_ON_FOR)]
        due = due_issues(library.published(now), settings, now=now)
        known = issues.has_issue(connection, [issue.key for issue in due])
    being_sent = {issue.key for issue in open_issues}
    return [
        *open_issues,
        *(i for i in due if i.key not in being_sent and (i.key not in known or i.cadence is Cadence.EACH)),
    ]


def _published(library: Library, issue: Issue) -> tuple[Article, ...]:
    return library.published(issue.closes_at)


def _composer(library: Library, settings: Settings) -> Compose:
    return functools.partial(compose, library=library, settings=settings)


def _something_is_due(store: Store, stored: StoredIssue, *, now: dt.datetime) -> bool:
    with store.reading() as connection:
        return deliveries.any_due(connection, stored.id, now=now)


def _report(store: Store, stored: StoredIssue, tally: Tally, *, seconds: float) -> SendReport:
    with store.reading() as connection:
        standing = deliveries.counts(connection, stored.id)
        next_at = deliveries.next_due(connection, stored.id)
        troubled = deliveries.troubled(connection, stored.id, limit=20)
    waiting = standing.get(DeliveryStatus.DEFERRED, 0) + standing.get(DeliveryStatus.UNCERTAIN, 0)
    at_once = standing.get(DeliveryStatus.PLANNED, 0) + standing.get(DeliveryStatus.CLAIMED, 0)
    return SendReport(
        issue=stored.issue.key,
        planned=sum(standing.values()),
        sent=tally[DeliveryStatus.SENT],
        deferred=tally[DeliveryStatus.DEFERRED],
        failed=tally[DeliveryStatus.FAILED],
        suppressed=tally[DeliveryStatus.SUPPRESSED],
        uncertain=tally.taken_over + tally[DeliveryStatus.UNCERTAIN],
        seconds=seconds,
        left=waiting + at_once,
        waiting=waiting,
        next_at=next_at,
        line_lost=tally.line_lost,
        troubled=tuple(troubled),
    )
