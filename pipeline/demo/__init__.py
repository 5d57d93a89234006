"""The whole path on this machine, with nothing to start and nobody outside it asked.

`run_demo_once` walks it for machines (`walk`), `run_demo` leaves it open for a browser (`outbox`). Both copy the newsletter to a
folder of their own (`newsroom`), fetch from invented publishers (`publisher`), and catch all mail (`mailbox`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline import jobs
from pipeline.demo import newsroom
from pipeline.demo.clock import DemoClock
from pipeline.demo.mailbox import Mailbox
from pipeline.demo.publisher import Publisher
from pipeline.demo.walk import Numbers, Scene, prepare, send_todays, walk
from pipeline.errors import OpenSignalError, UsageError
from pipeline.site import build_site
from pipeline.store import open_store
from pipeline.web import create_app, mount_site
from pipeline.web.outbox import add_outbox
from pipeline.web.server import serving

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What `opensignal demo --once` saw. *ok*: every step was seen to work from outside."""

    ok: bool
    numbers: Numbers
    messages: int  # letters in the outbox, of all kinds
    seconds: float
    failed: str = ""

    def as_dict(self) -> dict[str, object]:
        answer = {"ok": self.ok, **asdict(self.numbers), "messages": self.messages, "seconds": round(self.seconds, 2)}
        return {**answer, "failed": self.failed} if self.failed else answer


def run_demo_once(root: Path, *, keep: Path | None, say: Say) -> DemoReport:
    """Walk ingest, cite, check, build, sign-up, confirm, digest and unsubscribe by real HTTP and SMTP on loopback.

    With *keep*, the folder (made here) holds ``site``, ``outbox`` (a Maildir) and ``opensignal.db`` afterwards. Raises `UsageError`
    when it holds something already, or when there is no article to show.
    """
    began = time.monotonic()
    with _folder(keep) as folder, _scene(root, folder, port=0, say=say) as scene:
        failed = ""
        try:
            walk(scene)
        except OpenSignalError as error:
            failed = str(error)
        messages = len(scene.mailbox.letters())
    report = DemoReport(not failed, scene.numbers, messages, time.monotonic() - began, failed)
    say(f"\n{'all of it works' if report.ok else f'FAILED: {failed}'}; {messages} messages in {report.seconds:.1f} s")
    if keep:
        say(f"kept in {keep}: site/, outbox/, opensignal.db")
    return report


def run_demo(root: Path, *, port: int, say: Say, show: Callable[[str], object]) -> None:
    """Build the site, serve it with the mailing pages, and show every letter in the browser, until Ctrl-C.

    *show* is called with the site's address once it answers. Raises `UsageError` when the port is taken.
    """
    with _folder(None) as folder, _scene(root, folder, port=port, say=say) as scene:
        prepare(scene)
        say(f"\n  the site      {scene.site}")
        say(f"  sign up       {scene.site}#subscribe  (any address: no mail leaves this machine)")
        say(f"  the outbox    {scene.site}outbox      (your confirmation, and the digests)")
        say("\nCtrl-C ends it; nothing is kept.")
        show(scene.site)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def _next_day(scene: Scene) -> str:
    """What the button in the outbox does."""
    report = send_todays(scene)
    if report.sent:
        return f"{report.issue} went to {report.sent} of {report.planned} subscribers. Press again to let a day pass."
    scene.clock.advance(dt.timedelta(days=1))
    if scene.library().article("sample-followup") is None:
        newsroom.publish_sample(scene.settings.root, "followup", date=scene.clock() - newsroom.FIVE_MINUTES)
        build_site(scene.settings, now=scene.clock())
    report = send_todays(scene)
    if not report.planned:
        return "A day has passed, and nobody has anything new to read: no issue was sent."
    return f"A day has passed. {report.issue} went to {report.sent} of {report.planned} subscribers."


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """The folder to work in: *keep*, or one that vanishes."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="opensignal-demo-") as name:
            yield Path(name)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there already and is not empty; name a new folder for --keep")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{keep} cannot be made: {error.strerror}; name another folder for --keep") from error
    yield keep.resolve()


@contextlib.contextmanager
def _scene(root: Path, folder: Path, *, port: int, say: Say) -> Iterator[Scene]:
    """Everything that a demonstration needs, running: publishers, mail server, database, mailing pages and their letters."""
    clock = DemoClock(newsroom.newest_date(root) + newsroom.AN_HOUR)
    newsroom.copy_newsroom(root, folder / "newsroom")
    with contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher())
        mailbox = stack.enter_context(Mailbox(folder / "outbox"))
        port = port or _free_port()
        settings = newsroom.settings_for(
            folder / "newsroom", folder, site_url=f"http://127.0.0.1:{port}/", smtp_url=mailbox.url
        )
        store = open_store(settings)
        stack.callback(store.close)
        runner = jobs.Runner([jobs.NOTICES], jobs.Desk(store, settings, clock))
        stack.callback(runner.stop)
        scene = Scene(settings, store, mailbox, clock, publisher.url, say)
        app = create_app(store, settings, clock=clock)
        add_outbox(app, settings, mailbox.folder, next_day=lambda: _next_day(scene))
        mount_site(app, settings.site_dir)
        stack.enter_context(serving(app, port=port))
        runner.start()
        yield scene


def _free_port() -> int:
    """A port that nobody listens on now. The letters and the site must name it before the web server starts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
