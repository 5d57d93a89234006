"""What happens by itself while `opensignal serve` or `up` runs: each job a function, called again after a while.

Here they run as threads of this process. A job may run at the same time in another process: each claims its work in the
database first. What we expect to go wrong is logged and tried again; a job never ends the process.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.config import Settings
from pipeline.errors import OpenSignalError, StoreBusy
from pipeline.ingest import ingest, open_fetcher
from pipeline.library import load_library
from pipeline.mail import send_due
from pipeline.mail.deliver import Clock
from pipeline.mail.notices import send_notices
from pipeline.mail.signups import handle_signups
from pipeline.mail.transport import open_transport
from pipeline.model import DeliveryStatus
from pipeline.store import Store

log = logging.getLogger("opensignal")

NOTICES_EVERY = dt.timedelta(seconds=1)
ISSUES_EVERY = dt.timedelta(minutes=1)
FEEDS_EVERY = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Job:
    """*act* is called, then again *every* so often; it returns a line for the log, or nothing when it found nothing to do."""

    name: str
    every: dt.timedelta
    act: Callable[[], str]


def notices_job(store: Store, settings: Settings, clock: Clock) -> Job:
    """Sign-ups that came in, and the letters they cause."""
    transport = open_transport(settings)

    def act() -> str:
        handled = handle_signups(store, settings, now=clock())
        tally = send_notices(store, settings, transport, clock=clock)
        if not handled and not tally:
            return ""
        return f"sign-ups handled: {handled}, notices sent: {tally[DeliveryStatus.SENT]} of {sum(tally.values())}"

    return Job("notices", NOTICES_EVERY, act)


def issues_job(store: Store, settings: Settings, clock: Clock, stop: threading.Event) -> Job:
    """Issues that the schedule asks for, and letters to be tried again."""
    transport = open_transport(settings)

    def act() -> str:
        library = load_library(settings.root)
        library.must_be_publishable(clock())
        reports = send_due(store, library, settings, transport=transport, clock=clock, stop=stop)
        for report in reports:
            if report.problem or report.line_lost:
                log.warning("issues: %s: %s", report.issue, report.problem or report.line_lost)
        return "; ".join(f"{r.issue}: {r.sent} of {r.planned} letters sent" for r in reports if r.sent)

    return Job("issues", ISSUES_EVERY, act)


def feeds_job(store: Store, settings: Settings, clock: Clock) -> Job:
    """Feeds that are due, into the inbox."""
    fetcher = open_fetcher(settings)

    def act() -> str:
        feeds = load_library(settings.root).readable_feeds()
        report = ingest(store, feeds, inbox=settings.content / "inbox", fetcher=fetcher, now=clock())
        for feed in report.failed:
            log.warning("feeds: %s: %s", feed.id, feed.message)
        for problem in report.problems:
            log.warning("feeds: %s", problem)
        return f"{report.entries} new entries" if report.entries else ""

    return Job("feeds", FEEDS_EVERY, act)


class Runner:
    """Runs jobs as threads until it is stopped."""

    def __init__(self, jobs: Sequence[Job], stop: threading.Event) -> None:
        self._stop = stop
        self._threads = [threading.Thread(target=self._repeat, args=(job,), name=job.name, daemon=True) for job in jobs]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, patience: float = 20.0) -> None:
        """Let each job end what it does, for *patience* seconds at most."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(patience)

    def _repeat(self, job: Job) -> None:
        complaint = ""
        while not self._stop.is_set():
            try:
                if line := job.act():
                    log.info("%s: %s", job.name, line)
                complaint = ""
            except StoreBusy:
                pass  # nothing is lost; the next round finds it
            except OpenSignalError as error:
                if str(error) != complaint:  # once, not every second
                    log.warning("%s: %s", job.name, error)
                complaint = str(error)
            except Exception:
                log.exception("%s: unexpected; trying again", job.name)
            self._stop.wait(job.every.total_seconds())
