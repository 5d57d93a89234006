"""A newsletter with its subscribers, a mail server that keeps a journal, and an issue to be sent: where the faults happen."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.keys import load_keys
from pipeline.mail import tokens
from pipeline.mail.tokens import Purpose
from pipeline.store import Store, open_store
from pipeline.store.tables import deliveries, domains, subscribers
from tests.builders import add_subscribers
from tests.chaos.nursery import Child, Nursery
from tests.fakes import Accepted, Answer, MailServer, mail_server
from tests.invariants import Seen, check
from tests.repository import Ended, Repository, Sink

ONE_CLICK = {"List-Unsubscribe": "One-Click"}  # RFC 8058 3.1
STRACE = shutil.which("strace")
NO_STRACE = "strace is missing or may not attach here; run as root: apt-get install strace"


@dataclass(frozen=True)
class Told:
    """What one part of `make chaos` saw."""

    bar: str
    size: str
    seen: str
    ok: bool = True


def tried(bar: str, size: str, act: Callable[[], object]) -> Told:
    """What *act* saw, or what of it does not hold: then others can still be tried."""
    try:
        return Told(bar, size, str(act()))
    except AssertionError as error:
        what = re.sub(r"\s+", " ", str(error)) or "an assertion does not hold"
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}: " if place else ""
        return Told(bar, size, f"{where}{what[:1500]}", ok=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one letter stands, and its reader."""

    status: str
    next_at: dt.datetime | None
    attempts: int
    reply: str
    state: str


@dataclass
class Scene:
    """One issue of one newsletter in *folder*; `send` is the command that is hurt, and run again."""

    folder: Path
    repository: Repository
    nursery: Nursery
    readers: list[str]
    connections: int
    database_url: str
    state_dir: Path
    issue: str  # today's, as it was when the scene was made
    kills: int = 0

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def accepted(self) -> list[Accepted]:
        return Accepted.read(self.journal) if self.journal.exists() else []

    @contextlib.contextmanager
    def sink(self, *options: str) -> Iterator[Sink]:
        """A mail server; each writes the same journal. *options* are those of ``python -m tests.fakes``."""
        with Sink(self.journal, *options) as sink:
            yield sink

    def start(self, *words: str, smtp: str, held: bool = False, **extra: str) -> Child:
        """Start ``opensignal WORDS``, by default the sending of the issue."""
        settings = {
            "smtp_url": smtp,
            "connections": str(self.connections),
            "database_url": self.database_url,
            "state_dir": str(self.state_dir),
            "daily_at": "00:00",  # so that today's issue is due at any hour, and no other
            **extra,
        }
        environment = self.repository.env({f"OPENSIGNAL_{name.upper()}": value for name, value in settings.items()})
        chosen = words or ("send", self.issue, "--json")
        return self.nursery.start(chosen, root=self.repository.root, environment=environment, held=held)

    def send(self, *words: str, smtp: str, timeout: float = 180.0, **extra: str) -> Ended:
        return self.start(*words, smtp=smtp, **extra).wait(timeout)

    @contextlib.contextmanager
    def serving(self, **extra: str) -> Iterator[str]:
        """The mailing pages, served by a process of their own: their address. Letters that they cause go to the outbox."""
        child = self.start("serve", "--port", "0", smtp="", **extra)
        try:
            ends = time.monotonic() + 30
            while not (found := re.search(r"listening on (\S+);", child.said()[0])):
                assert child.runs(), child.said()
                assert time.monotonic() < ends, child.said()
                time.sleep(0.01)
            yield found[1].rstrip("/") + "/"
            assert child.runs(), child.said()
        finally:
            child.signal(signal.SIGTERM)
            child.wait(30)

    def finish(self, *, rounds: int = 3) -> Ended:
        """Send what is left, over a mail server that takes everything."""
        with self.server() as server:
            for _ in range(rounds):
                ended = self.send(smtp=server.url, timeout=600)
                if ended.code == 0:
                    break
        assert ended.code == 0, f"code {ended.code}: {ended.err}{ended.out}"
        return ended

    def check(self, *, in_doubt: int = -1, finished: bool = True, left: Mapping[str, float] | None = None) -> Seen:
        """The invariants; by default at most one letter a connection and kill may be in doubt."""
        doubt = self.kills * self.connections if in_doubt < 0 else in_doubt
        return check(self.database_url, self.accepted(), issue=self.issue, in_doubt=doubt, finished=finished, left=left)

    def copy(self, name: str) -> Scene:
        """The same newsletter in another world: a copy of its SQLite database and of its state, with a journal of its own."""
        folder = self.folder / name
        folder.mkdir()
        with self.store() as store, store.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        file = folder / "opensignal.db"
        shutil.copy(self.database_url.removeprefix("sqlite:///"), file)
        if self.state_dir.is_dir():
            shutil.copytree(self.state_dir, folder / "state")
        return dataclasses.replace(
            self, folder=folder, database_url=f"sqlite:///{file}", state_dir=folder / "state", kills=0
        )

    @contextlib.contextmanager
    def server(self, answer: Callable[[str, str, int], Answer] | None = None) -> Iterator[MailServer]:
        """A mail server in this process, which answers as it is told, else takes everything; it writes the same journal."""
        with mail_server(answer) as server, self.journal.open("ab", buffering=0) as file:
            server.journal = lambda letter: cast("None", file.write(Accepted.of(letter).line()))
            yield server

    def hurry(self) -> None:
        """Make due what waits, as if hours had passed."""
        past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        with self.store() as store, store.writing() as connection:
            waiting = sa.and_(deliveries.c.finished_at.is_(None), deliveries.c.next_at.is_not(None))
            connection.execute(deliveries.update().where(waiting).values(next_at=past))
            connection.execute(domains.update().values(paused_until=None))

    def standing(self) -> dict[str, Standing]:
        """Where the letter to each address stands."""
        d, s = deliveries.c, subscribers.c
        query = sa.select(s.email, s.state, d.status, d.next_at, d.attempts, d.reply).join(
            subscribers, s.id == d.subscriber_id
        )
        with self.store() as store, store.reading() as connection:
            return {
                row.email: Standing(row.status, row.next_at, row.attempts, row.reply or "", row.state)
                for row in connection.execute(query)
            }

    def leaving(self) -> dict[str, str]:
        """For each address the path by which one click unsubscribes, as it stands in its letters."""
        key = load_keys(self.state_dir, "token").newest
        with self.store() as store, store.reading() as connection:
            rows = connection.execute(sa.select(subscribers.c.email, subscribers.c.ref)).all()
        return {row.email: f"unsubscribe/{tokens.sign(key, Purpose.UNSUBSCRIBE, row.ref)}" for row in rows}

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        settings = Settings.load(self.repository.root, database_url=self.database_url)
        store = open_store(settings)
        try:
            yield store
        finally:
            store.close()


@contextlib.contextmanager
def scene(
    folder: Path,
    readers: int | Sequence[str],
    *,
    connections: int = 4,
    database_url: str = "",
    nursery: Nursery | None = None,
    **environment: str,
) -> Iterator[Scene]:
    """A `Scene` with so many *readers*, or these, all of them active and daily. It makes itself what it is not given."""
    people = [f"r{n}@d{n % 50}.example.org" for n in range(readers)] if isinstance(readers, int) else list(readers)
    repository = Repository.make(folder / "repository", **environment)
    shutil.rmtree(repository.root / "theme" / "fonts", ignore_errors=True)
    repository.add_article("grid")
    url = database_url or f"sqlite:///{folder / 'opensignal.db'}"
    with contextlib.ExitStack() as stack:
        nursery = nursery or stack.enter_context(Nursery(folder / "children"))
        made = Scene(
            folder, repository, nursery, people, connections, url, repository.root / ".opensignal", repository.today
        )
        with made.store() as store:
            for first in range(0, len(people), 5_000):
                add_subscribers(store, *people[first : first + 5_000])
        yield made


def post(url: str, fields: Mapping[str, str], *, timeout: float = 30) -> tuple[int, dict[str, str]]:
    """POST a form; the status and the headers of the answer, in small letters."""
    request = urllib.request.Request(url, data=urllib.parse.urlencode(fields).encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}


@functools.cache
def may_trace() -> bool:
    """Whether strace is here and may attach to a process that it has not started (kernel.yama.ptrace_scope, or root)."""
    if STRACE is None:
        return False
    with subprocess.Popen(["sleep", "30"]) as sleeper:
        words = [STRACE, "-qqq", "-o", "/dev/null", "-p", str(sleeper.pid)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tracer:
            ends = time.monotonic() + 10
            while not (attached := _is_traced(sleeper.pid)) and tracer.poll() is None and time.monotonic() < ends:
                time.sleep(0.01)
            tracer.kill()
        sleeper.kill()
    return attached


def _is_traced(pid: int) -> bool:
    return "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text()


def struck(child: Child, *inject: str) -> subprocess.Popen[bytes]:
    """Let strace inject faults into the *child*, which is held, and let it go. *inject* as ``pwrite64:signal=KILL:when=7``."""
    assert STRACE
    names = ",".join(sorted({name for one in inject for name in one.partition(":")[0].split(",")}))
    rules = [word for one in inject for word in ("-e", f"inject={one}")]
    tracer = subprocess.Popen(
        [STRACE, "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={names}", *rules, "-p", str(child.pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ends = time.monotonic() + 20
    while not _is_traced(child.pid):
        assert tracer.poll() is None, "strace could not attach"
        assert time.monotonic() < ends, "strace could not attach in time"
        time.sleep(0.002)
    child.go()
    return tracer
