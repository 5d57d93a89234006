"""A newsletter with its subscribers, a mail server that keeps a journal, and an issue to be sent: where the faults happen."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Settings
from pipeline.store import Store, open_store
from tests.builders import add_subscribers
from tests.chaos.nursery import Child, Nursery
from tests.fakes import Accepted
from tests.invariants import Seen, check
from tests.repository import Ended, Repository, Sink

STRACE = shutil.which("strace")


@dataclass(frozen=True)
class Told:
    """What one part of `make chaos` saw."""

    bar: str
    size: str
    seen: str
    ok: bool = True


@dataclass
class Scene:
    """One issue of one newsletter in *folder*; `send` is the command that is hurt, and run again."""

    folder: Path
    repository: Repository
    nursery: Nursery
    readers: list[str]
    connections: int
    database_url: str
    kills: int = 0

    @property
    def issue(self) -> str:
        return self.repository.today

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
        settings = {"smtp_url": smtp, "connections": str(self.connections), "database_url": self.database_url, **extra}
        environment = self.repository.env({f"OPENSIGNAL_{name.upper()}": value for name, value in settings.items()})
        chosen = words or ("send", self.issue, "--json")
        return self.nursery.start(chosen, root=self.repository.root, environment=environment, held=held)

    def send(self, *words: str, smtp: str, timeout: float = 60.0, **extra: str) -> Ended:
        return self.start(*words, smtp=smtp, **extra).wait(timeout)

    def finish(self, *, rounds: int = 3) -> Ended:
        """Send what is left, over a mail server that takes everything."""
        with self.sink() as sink:
            for _ in range(rounds):
                ended = self.send(smtp=sink.url, timeout=600)
                if ended.code == 0:
                    break
        assert ended.code == 0, f"code {ended.code}: {ended.err}{ended.out}"
        return ended

    def check(self, *, in_doubt: int = -1, finished: bool = True, left: Mapping[str, float] | None = None) -> Seen:
        """The invariants; by default at most one letter a connection and kill may be in doubt."""
        doubt = self.kills * self.connections if in_doubt < 0 else in_doubt
        return check(self.database_url, self.accepted(), issue=self.issue, in_doubt=doubt, finished=finished, left=left)

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
        made = Scene(folder, repository, nursery, people, connections, url)
        with made.store() as store:
            for first in range(0, len(people), 5_000):
                add_subscribers(store, *people[first : first + 5_000])
        yield made


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
    while "TracerPid:\t0" in Path(f"/proc/{child.pid}/status").read_text():
        assert tracer.poll() is None, "strace could not attach"
        assert time.monotonic() < ends, "strace could not attach in time"
        time.sleep(0.002)
    child.go()
    return tracer
