"""Send: articles become issues, issues become letters, letters reach subscribers. The stage's verbs stand first.

    issue | compose once | plan a row a subscriber | claim | stamp | send | judge | record, until nothing is due

`gather` decides who gets which articles, `compose` writes the letter, `plan` the rows. `deliver` gives them to `lines`, many
connections of one `transport` that speak `smtp`, and `judge` reads the replies. A letter is built by `message` and `headers`,
filled for its reader by `stamp`, signed by `dkim`. Before anything leaves, `instance` tells whether this machine may send from
this database, and `departures` who has left since its backup was made. What comes back is read by `bounces/`.

On the other side of the module stand the people: `signups` within `caps`, `lifecycle`, `people`, `person`, `requests`,
`notices`, `retention`. What they hold of us is signed by `tokens` and `verp`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.config import Settings
from pipeline.errors import ContentError, IssueStopped, SendingElsewhere, StoreError, TransportError, UsageError
from pipeline.keys import load_keys
from pipeline.library import Library
from pipeline.mail import instance
from pipeline.mail.compose import compose
from pipeline.mail.deliver import Clock, Tally, deliver
from pipeline.mail.departures import reapply
from pipeline.mail.dkim import Signer
from pipeline.mail.gather import Gathering, due_issues, issue_named
from pipeline.mail.plan import Also, Compose, Composed, foresee, plan_issue
from pipeline.mail.stamp import Stamp
from pipeline.mail.terms import Terms
from pipeline.mail.tokens import new_ref
from pipeline.mail.transport import Transport, send_one
from pipeline.model import Article, Cadence, Control, DeliveryStatus, Issue, Reply
from pipeline.store import Store, bounces, deliveries, issues
from pipeline.store.issues import StoredIssue

# An issue older than that is not taken up again by itself: its letters have been given up.
GOES_ON_FOR = dt.timedelta(days=4)
TROUBLED_SHOWN = 1_000  # deliveries that a report names


@dataclass(frozen=True, slots=True)
class SendReport:
    """What one run did with one issue. *planned* is how many the issue has in all, the other numbers are of this run."""

    issue: str
    planned: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    suppressed: int = 0
    quarantined: int = 0  # could not be made; a person must look
    cancelled: int = 0
    uncertain: int = 0  # may arrive twice: their worker died, or the line broke, before the server's answer was known
    seconds: float = 0.0
    problem: str = ""  # why this issue could not be sent at all, where others could, or why the run stopped
    left: int = 0  # still to be sent, by another run
    waiting: int = 0  # how many of them are put off until later
    held: int = 0  # how many of them are uncertain and wait for a person
    next_at: dt.datetime | None = None  # when the next of them is due
    line_lost: str = ""  # why the run ended early
    alarms: tuple[str, ...] = ()  # what a person should know about a receiver
    troubled: tuple[tuple[str, DeliveryStatus, Reply], ...] = ()  # ref of the subscriber, where it stands, last answer

    @property
    def did_something(self) -> bool:
        """False where there was nothing to send and nothing is left."""
        ended = self.sent + self.deferred + self.failed + self.suppressed + self.quarantined + self.uncertain
        return bool(ended or self.left or self.line_lost or self.problem)

    def as_dict(self) -> dict[str, object]:
        names = (
            *("issue", "planned", "sent", "deferred", "failed", "suppressed", "quarantined", "cancelled", "uncertain"),
            *("left", "held"),
        )
        troubled = [
            {"subscriber": ref, "status": status.value, "reply": str(reply)} for ref, status, reply in self.troubled
        ]
        report = {
            **{name: getattr(self, name) for name in names},
            "seconds": round(self.seconds, 3),
            "next_at": self.next_at.isoformat() if self.next_at else None,
            "alarms": list(self.alarms),
            "troubled": troubled,
        }
        return {**report, **({"problem": self.problem} if self.problem else {}), **self._lost()}

    def _lost(self) -> dict[str, object]:
        return {"line_lost": self.line_lost} if self.line_lost else {}


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
    resume: bool = False,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> SendReport:
    """Send the issue that *key* names to everybody who is to get it and has not; safe to stop and to run again.

    With *resume*, also one that was paused, and what in it waits for a person: letters held as uncertain, and those that could not
    be made. Raises `UsageError` for a key that names no issue, `ContentError` when it cannot be composed, `TransportError` when the
    server cannot be reached, `SendingElsewhere` when another process is at it, `IssueStopped` for one that was paused or cancelled,
    `NotOurDatabase` where this machine does not know the database.
    """
    now = clock()
    with store.reading() as connection:
        stored = issues.find(connection, key)
    issue = stored.issue if stored else issue_named(key, library.published(now), settings, now=now)
    told = instance.check(store, settings, [issue, *_asked_for(store, library, settings, now=now)], now=now)
    if told and not resume:
        raise IssueStopped("; ".join(told.values()))
    _must_go_on(store, key, resume=resume, now=now)
    try:
        return _send(store, library, settings, issue, transport=transport, clock=clock, stop=stop, progress=progress)
    except TransportError as error:
        with store.reading() as connection:
            planned = issues.find(connection, key)
            left = deliveries.how_many_open(connection, planned.id) if planned else 0
        if not left:
            raise
        raise TransportError(
            f"{error}; {key} is planned, and its {left} letters wait: opensignal up, send --due, or this command again goes on"
        ) from error


def stop_issue(store: Store, key: str, control: Control, *, now: dt.datetime) -> SendReport:
    """Pause or cancel the issue *key*, also while other processes send it: they end after the letters in flight.

    Raises `UsageError` where nothing of it was begun or nothing is left, `IssueStopped` where it is to be paused and was cancelled.
    """
    with store.writing() as connection:
        stored = issues.find(connection, key)
        if stored is None:
            raise UsageError(f"nothing of {key} was sent or planned yet: there is nothing to stop")
        if stored.control is Control.CANCELLED and control is not Control.CANCELLED:
            raise IssueStopped(_CANCELLED.format(key=key))
        if (
            stored.planned_at
            and stored.control is Control.SENDING
            and not deliveries.how_many_open(connection, stored.id)
        ):
            raise UsageError(f"{key} is out: no letter of it is left to stop")
        issues.set_control(connection, stored.id, control)
        cancelled = deliveries.cancel(connection, stored.id, now=now) if control is Control.CANCELLED else 0
    return replace(_report(store, stored, Tally(), seconds=0.0), cancelled=cancelled, problem="")


_CANCELLED = "{key} was cancelled; what had not left by then never will"


def _must_go_on(store: Store, key: str, *, resume: bool, now: dt.datetime) -> None:
    """Let a person's word count: raises `IssueStopped` unless the issue may be sent, or is to be resumed now."""
    with store.writing() as connection:
        stored = issues.find(connection, key)
        if stored is None:
            return
        if stored.control is Control.CANCELLED:
            raise IssueStopped(_CANCELLED.format(key=key))
        if stored.control is Control.PAUSED and not resume:
            raise IssueStopped(f"{key} is paused; to go on: opensignal send {key} --resume")
        if resume:
            issues.set_control(connection, stored.id, Control.SENDING)
            deliveries.send_held(connection, stored.id, now=now)
            deliveries.retry_quarantined(connection, stored.id)


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
    issues_due, reports = _to_send(store, library, settings, now=clock())
    for issue in issues_due:
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
    now = clock()
    issues_due, reports = _to_send(store, library, settings, now=now)
    for issue in issues_due:
        try:
            plan_issue(
                store, issue, _published(library, issue), _composer(library, settings, store), now=now, also=also
            )
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
    instance.check(store, settings, None, now=clock())
    if not _something_is_due(store, stored, now=clock()):
        return SendReport(key)
    tally = _deliver(store, settings, stored, transport=transport, clock=clock, stop=stop, share=True)
    return _report(store, stored, tally, seconds=time.monotonic() - began)


def preview_issue(store: Store, library: Library, settings: Settings, key: str, *, now: dt.datetime) -> Preview:
    """Tell what `send_issue` would do now, and compose every letter of it. Writes and sends nothing."""
    published = library.published(now)
    issue = issue_named(key, published, settings, now=now)
    foreseen = foresee(store, issue, published, now=now)
    write = _composer(library, settings, store)
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
    letter = compose(issue, selection.articles, library=library, settings=settings)
    stamp = Stamp(letter.message, issue_key=f"copy-{key}", token_key=load_keys(settings.state_dir, "token"))
    message = stamp.copy_for(email=address, ref=new_ref(), confirmed_at=now)
    signer = Signer.load(settings)
    return send_one(transport, settings.envelope_sender, address, signer.sign(message) if signer else message)


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
    stored = plan_issue(store, issue, _published(library, issue), _composer(library, settings, store), now=clock())
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
    share: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    reapply(store, settings)
    instance.count_up(store, settings)
    counted_at = time.monotonic()

    def count(done: int) -> None:
        nonlocal counted_at
        if time.monotonic() - counted_at > instance.COUNT_UP_EVERY:
            with contextlib.suppress(StoreError):  # the ledger waits for a locked database, and ends where it is lost
                instance.count_up(store, settings)
            counted_at = time.monotonic()
        progress(done)

    try:
        return deliver(
            store, stored, transport, Terms.of(settings), clock=clock, stop=stop, share=share, progress=count
        )
    finally:
        with contextlib.suppress(StoreError):
            instance.count_up(store, settings)


def _to_send(
    store: Store, library: Library, settings: Settings, *, now: dt.datetime
) -> tuple[list[Issue], list[SendReport]]:
    """Issues that are not out yet, oldest first, then those that the schedule asks for; and a report for each just paused."""
    fresh = _asked_for(store, library, settings, now=now)
    paused = instance.check(store, settings, fresh, now=now)
    with store.reading() as connection:
        open_issues = issues.unfinished(connection, since=now - GOES_ON_FOR)
        stopped = {stored.issue.key for stored in open_issues if stored.control is not Control.SENDING}
        stopped |= issues.stopped(connection, [issue.key for issue in fresh])
    being_sent = {stored.issue.key for stored in open_issues}
    todo = [stored.issue for stored in open_issues]
    todo += [issue for issue in fresh if issue.key not in being_sent]
    reports = [SendReport(key, problem=why) for key, why in paused.items()]
    return [issue for issue in todo if issue.key not in stopped], reports


def _asked_for(store: Store, library: Library, settings: Settings, *, now: dt.datetime) -> list[Issue]:
    """The issues that the schedule asks for now and nobody has begun; those of one article are looked through again."""
    due = due_issues(library.published(now), settings, now=now)
    with store.reading() as connection:
        known = issues.has_issue(connection, [issue.key for issue in due])
    return [issue for issue in due if issue.key not in known or issue.cadence is Cadence.EACH]


def _published(library: Library, issue: Issue) -> tuple[Article, ...]:
    return library.published(issue.closes_at)


def _composer(library: Library, settings: Settings, store: Store) -> Compose:
    """Composes letters that tell what was corrected since the last issue of their kind."""

    def write(issue: Issue, articles: Sequence[Article]) -> Composed:
        with store.reading() as connection:
            since = issues.closed_before(connection, issue)
        return compose(issue, articles, library=library, settings=settings, since=since)

    return write


def _something_is_due(store: Store, stored: StoredIssue, *, now: dt.datetime) -> bool:
    with store.reading() as connection:
        return deliveries.any_due(connection, stored.id, now=now)


def _report(store: Store, stored: StoredIssue, tally: Tally, *, seconds: float) -> SendReport:
    with store.reading() as connection:
        standing = deliveries.counts(connection, stored.id)
        next_at = deliveries.next_due(connection, stored.id)
        troubled = deliveries.troubled(connection, stored.id, limit=TROUBLED_SHOWN)
        held = deliveries.held(connection, stored.id)
        stops = bounces.stops_of(connection, stored.id)
    waiting = standing.get(DeliveryStatus.DEFERRED, 0) + standing.get(DeliveryStatus.UNCERTAIN, 0)
    at_once = standing.get(DeliveryStatus.PLANNED, 0) + standing.get(DeliveryStatus.CLAIMED, 0)
    return SendReport(
        issue=stored.issue.key,
        planned=sum(standing.values()),
        sent=tally[DeliveryStatus.SENT],
        deferred=tally[DeliveryStatus.DEFERRED],
        failed=tally[DeliveryStatus.FAILED],
        suppressed=tally[DeliveryStatus.SUPPRESSED],
        quarantined=tally[DeliveryStatus.QUARANTINED],
        uncertain=tally.taken_over + tally[DeliveryStatus.UNCERTAIN],
        seconds=seconds,
        left=waiting + at_once,
        waiting=waiting,
        held=held,
        next_at=next_at,
        problem=_why_it_stopped(stored, tally),
        alarms=(*tally.alarms, *map(str, stops)),
        line_lost=tally.line_lost,
        troubled=tuple(troubled),
    )


def _why_it_stopped(stored: StoredIssue, tally: Tally) -> str:
    if tally.control is Control.PAUSED:
        return f"{stored.issue.key} was paused meanwhile; to go on: opensignal send {stored.issue.key} --resume"
    if tally.control is Control.CANCELLED:
        return f"{stored.issue.key} was cancelled meanwhile; what had not left never will"
    if tally.limited:
        return f"the rate limit lets the next letter go in {dt.timedelta(seconds=round(tally.limited))}"
    return ""
