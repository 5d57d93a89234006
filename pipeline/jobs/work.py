"""What is done by itself: each job a function of the `Desk` that returns a line for the log, or nothing when it had nothing to do.

Where one machine does everything, a job does all of its work at once. Where many share it, a job *orders* it in parts instead: one
issue in shares, the feeds one by one; `PARTS` are the functions that do one of them. Both ways end in the same calls.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config import Settings
from pipeline.errors import PublishError, SendingElsewhere, TransportError
from pipeline.files import put
from pipeline.ingest import due_feeds, ingest, open_fetcher
from pipeline.library import Library, open_library, read_library
from pipeline.mail import SendReport, plan_due, send_due
from pipeline.mail import send_share as send_share_of
from pipeline.mail.bounces.poll import poll_bounces
from pipeline.mail.deliver import Clock
from pipeline.mail.notices import send_notices
from pipeline.mail.retention import keep_what_may_be_kept
from pipeline.mail.signups import handle_signups
from pipeline.mail.transport import open_transport
from pipeline.model import Article, DeliveryStatus
from pipeline.store import Connection, Store, deliveries, queue
from pipeline.store.issues import StoredIssue
from pipeline.store.queue import Order

log = logging.getLogger("opensignal")

SHARES = 16  # machines that send one issue at the same time, at most
LETTERS_A_SHARE = 100  # fewer are not worth another machine
SHARE_SECONDS = 60.0  # after which a share goes to the end of its queue, so that nothing else waits for long


@dataclass(frozen=True, slots=True)
class Desk:
    """What every job needs at hand. Setting *stop* ends a job after what it has in flight."""

    store: Store
    settings: Settings
    clock: Clock
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Job:
    """*act* does all of it; *order* has it done in parts, where machines share the work.

    One machine calls it again *every* so often, many at the hours of *cron*, and the soonest of them does it.
    """

    name: str
    queue: str
    every: dt.timedelta
    cron: str
    act: Callable[[Desk], str]
    order: Callable[[Desk], str] | None = None


# --- people -----------------------------------------------------------------------------------------------------------


def answer_people(desk: Desk) -> str:
    """Sign-ups that came in, and the letters they cause."""
    handled = handle_signups(desk.store, desk.settings, now=desk.clock())
    tally = send_notices(desk.store, desk.settings, open_transport(desk.settings), clock=desk.clock)
    if not handled and not tally:
        return ""
    return f"sign-ups handled: {handled}, notices sent: {tally[DeliveryStatus.SENT]} of {sum(tally.values())}"


# --- issues -----------------------------------------------------------------------------------------------------------


def send_issues(desk: Desk) -> str:
    """Issues that the schedule asks for, and letters to be tried again."""
    reports = send_due(
        desk.store,
        _publishable(desk),
        desk.settings,
        transport=open_transport(desk.settings),
        clock=desk.clock,
        stop=desk.stop,
    )
    _warn(reports)
    return "; ".join(_sent(report) for report in reports if report.sent)


def order_issues(desk: Desk) -> str:
    """The same, planned here and ordered in shares, in the transaction that ends the plan: no planned issue is forgotten."""
    ordered: list[str] = []

    def order_shares(connection: Connection, stored: StoredIssue) -> None:
        due = deliveries.how_many_due(connection, stored.id, limit=SHARES * LETTERS_A_SHARE, now=desk.clock())
        number = -(-due // LETTERS_A_SHARE)
        for share in range(number):
            queue.order(connection, _share(stored.issue.key, share))
        if number:
            ordered.append(f"{stored.issue.key} in {number} share{'s' if number > 1 else ''}")

    _warn(plan_due(desk.store, _publishable(desk), desk.settings, clock=desk.clock, also=order_shares))
    return f"to be sent: {', '.join(ordered)}" if ordered else ""


def send_share(desk: Desk, *, issue: str, share: int) -> str:
    """Letters of one issue, for a while, beside other machines that do the same."""
    transport = open_transport(desk.settings)
    stop = _Until(desk.stop, seconds=SHARE_SECONDS)
    try:
        report = send_share_of(desk.store, desk.settings, issue, transport=transport, clock=desk.clock, stop=stop)
    except SendingElsewhere as error:  # we were silent for too long, and others have what we had claimed
        _order_share(desk, issue, share)
        return str(error)
    if report.line_lost:
        raise TransportError(report.line_lost)
    if report.left > report.waiting:
        if stop.is_set():
            _order_share(desk, issue, share)
        elif (
            share == 0 and not report.problem
        ):  # the rest is with others, who may be dead: it looks again, so that nobody waits for the clock
            _order_share(desk, issue, share, at=desk.clock() + desk.settings.lease / 2)
    _warn([report])
    return _sent(report) if report.sent or report.deferred or report.failed or report.uncertain else ""


def _order_share(desk: Desk, issue: str, share: int, *, at: dt.datetime | None = None) -> None:
    with desk.store.writing() as connection:
        queue.order(connection, _share(issue, share), at=at)


def _share(issue: str, share: int) -> Order:
    name = f"{issue}, share {share + 1}"
    return Order("share", queue="send", name=name, lock=name, arguments={"issue": issue, "share": share})


def _publishable(desk: Desk) -> Library:
    now = desk.clock()
    library = open_library(desk.settings, now=now)
    library.must_be_publishable(now)
    return library


def _warn(reports: Sequence[SendReport]) -> None:
    for report in reports:
        if report.problem or report.line_lost:
            log.warning("issues: %s: %s", report.issue, report.problem or report.line_lost)
        for alarm in report.alarms:
            log.warning("issues: %s: %s", report.issue, alarm)


def _sent(report: SendReport) -> str:
    others = (
        f"{getattr(report, name)} {name}" for name in ("deferred", "failed", "uncertain") if getattr(report, name)
    )
    return ", ".join([f"{report.issue}: {report.sent} of {report.planned} letters sent", *others])


class _Until(threading.Event):
    """Set when *stop* is, and after *seconds*."""

    def __init__(self, stop: threading.Event, *, seconds: float) -> None:
        super().__init__()
        self._stop, self._end = stop, time.monotonic() + seconds

    def is_set(self) -> bool:
        return self._stop.is_set() or time.monotonic() >= self._end

    def wait(self, timeout: float | None = None) -> bool:
        left = max(self._end - time.monotonic(), 0)
        self._stop.wait(left if timeout is None else min(timeout, left))
        return self.is_set()


# --- feeds ------------------------------------------------------------------------------------------------------------


def read_feeds(desk: Desk) -> str:
    """Feeds that are due, into the inbox."""
    return _read(desk, only=None)


def order_feeds(desk: Desk) -> str:
    """The same, a job a feed."""
    feeds = read_library(desk.settings.root).readable_feeds()
    with desk.store.writing() as connection:
        due = due_feeds(connection, feeds, now=desk.clock())
        for feed in due:
            # One after the other: they write to one inbox. Another machine with a clone of its own would make the same cards.
            queue.order(
                connection, Order("feed", "ingest", name=f"feed {feed.id}", lock="inbox", arguments={"feed": feed.id})
            )
    return f"{len(due)} to be read" if due else ""


def read_feed(desk: Desk, *, feed: str) -> str:
    """One feed, if it still is there and due."""
    return _read(desk, only=feed)


def _read(desk: Desk, *, only: str | None) -> str:
    feeds = read_library(desk.settings.root).readable_feeds()
    if only and only not in {feed.id for feed in feeds}:
        return ""  # an editor took it out meanwhile
    report = ingest(
        desk.store,
        feeds,
        inbox=desk.settings.content / "inbox",
        fetcher=open_fetcher(desk.settings),
        now=desk.clock(),
        only=[only] if only else None,
    )
    for feed in report.failed:
        log.warning("feeds: %s: %s", feed.id, feed.message)
    for problem in report.problems:
        log.warning("feeds: %s", problem)
    return f"{report.entries} new entries" if report.entries else ""


# --- the site ---------------------------------------------------------------------------------------------------------


def publish_site(desk: Desk) -> str:
    """The site anew, when an article's time has come since it was published; where no target is set, the site that we serve.

    In a process of its own: what serves and sends never loads MkDocs, and the memory that a build needs is given back.
    """
    settings = desk.settings
    if not settings.publish_to and not _own_site(settings).is_file():
        return ""
    since, now = _published(settings), desk.clock()
    due = come_due(read_library(settings.root).articles, since=since, now=now) if since else ()
    if since and not due:
        return ""
    commands = [["publish"]] if settings.publish_to else [["build"], ["search", "index"]]
    for words in commands:
        _run(desk, words)
    if desk.stop.is_set():
        return ""
    if not settings.publish_to:
        _remember(settings, now)
    what = ", ".join(article.slug for article in due) or "for the first time from here"
    return f"published: {what}" if settings.publish_to else f"built: {what}"


def come_due(articles: Sequence[Article], *, since: dt.datetime, now: dt.datetime) -> tuple[Article, ...]:
    """The articles that readers may see at *now*, and might not at *since*."""
    return tuple(article for article in articles if article.is_public(now) and not article.is_public(since))


def _published(settings: Settings) -> dt.datetime | None:
    """The moment that the readers' site is of; None where this machine never published it."""
    try:
        found = json.loads(settings.published_file.read_bytes())
        at = dt.datetime.fromisoformat(found["at"]) if found["target"] == settings.publish_to else None
    except (OSError, ValueError, TypeError, KeyError):
        at = None
    if settings.publish_to:
        return at
    # Somebody may have built it by hand since.
    built = dt.datetime.fromtimestamp(_own_site(settings).stat().st_mtime, dt.UTC)
    return max(at or built, built)


def _remember(settings: Settings, now: dt.datetime) -> None:
    put(settings.published_file, json.dumps({"target": "", "at": now.isoformat()}).encode())


def _own_site(settings: Settings) -> Path:
    return settings.site_dir / "sitemap.xml"


def _run(desk: Desk, words: Sequence[str]) -> None:
    """Run ``opensignal WORDS``. Raises `PublishError` with what it complained of; when we stop, it is told to stop too."""
    # -P: what happens to be called pipeline in the current folder is not us.
    command = [sys.executable, "-P", "-m", "pipeline", *words, "--root", str(desk.settings.root)]
    with subprocess.Popen(  # noqa: S603 -- our own command
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        while True:
            try:
                said = child.communicate(timeout=0.5)[1].decode("utf-8", "replace")
                break
            except subprocess.TimeoutExpired:
                if desk.stop.is_set():
                    child.terminate()  # it stops after the files in flight, and the next one goes on
    if child.returncode and not desk.stop.is_set():
        complaints = [
            line.removeprefix("opensignal: ") for line in said.splitlines() if line.startswith("opensignal: ")
        ]
        raise PublishError(complaints[-1] if complaints else f"opensignal {words[0]} ended with {child.returncode}")


# --- bounces ----------------------------------------------------------------------------------------------------------


def read_bounces(desk: Desk) -> str:
    """What came back to the mailbox that the settings name, if they name one."""
    if not desk.settings.bounces_url:
        return ""
    report = poll_bounces(desk.store, desk.settings, now=desk.clock(), stop=desk.stop)
    return next(report.lines()) if report.settled else ""


# --- what is kept -----------------------------------------------------------------------------------------------------


def keep_no_longer(desk: Desk) -> str:
    """What is kept about people has an end."""
    report = keep_what_may_be_kept(desk.store, desk.settings, now=desk.clock())
    if not report.journal_emptied:
        log.warning("retention: a program that reads without a pause keeps what was deleted in the database's journal")
    gone = sum(report.numbers.values())
    return f"{gone} row{'s' if gone > 1 else ''} let go of" if gone else ""


# --- all of them ------------------------------------------------------------------------------------------------------

NOTICES = Job("notices", "notices", dt.timedelta(seconds=1), "* * * * *", answer_people)
ISSUES = Job("issues", "send", dt.timedelta(minutes=1), "* * * * *", send_issues, order=order_issues)
FEEDS = Job("feeds", "ingest", dt.timedelta(minutes=5), "*/5 * * * *", read_feeds, order=order_feeds)
BOUNCES = Job("bounces", "bounces", dt.timedelta(minutes=1), "* * * * *", read_bounces)
RETENTION = Job("retention", "upkeep", dt.timedelta(hours=1), "17 * * * *", keep_no_longer)
PUBLISHING = Job("site", "publish", dt.timedelta(minutes=1), "* * * * *", publish_site)
ALL = (NOTICES, ISSUES, FEEDS, PUBLISHING, BOUNCES, RETENTION)
QUEUES = tuple(dict.fromkeys(job.queue for job in ALL))

Part = tuple[str, Callable[..., str]]  # its queue, and what is done
PARTS: Mapping[str, Part] = {"share": ("send", send_share), "feed": ("ingest", read_feed)}
