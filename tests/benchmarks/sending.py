"""How fast letters leave, with the ledger on the disk, and what a kill -9 half-way costs."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks.table import Row
from tests.repository import Repository, Sink

SPEED = 500.0  # letters a second, at least
MEMORY = 300.0  # MB, at most
CONNECTIONS = 8


def measure(*, subscribers: int, runs: int) -> Iterator[Row]:
    """Send to *subscribers* people, *runs* times from the start, and once with a kill in the middle."""
    results = [_send(subscribers) for _ in range(runs)]
    speed = statistics.median(result[0] for result in results)
    memory = max(result[1] for result in results)
    exact = all(result[2] for result in results)
    yield Row(f"send {subscribers:,}, SQLite", f"{speed:,.0f} letters/s", f"at least {SPEED:,.0f}", speed >= SPEED)
    yield Row(f"send {subscribers:,}, peak memory", f"{memory:.0f} MB", f"at most {MEMORY:.0f}", memory <= MEMORY)
    yield Row(f"send {subscribers:,}, exactly once each", "yes" if exact else "no", "yes", exact)
    missing, twice, differing = _killed_half_way(subscribers)
    fine = not missing and twice <= CONNECTIONS and not differing
    yield Row(
        "kill -9 half-way, run again",
        f"{missing} missing, {twice} twice",
        f"0 missing, at most {CONNECTIONS} twice, same bytes",
        fine,
    )


def _prepared(folder: Path, subscribers: int) -> tuple[Repository, list[str]]:
    repository = Repository.make(folder / "repository", connections=str(CONNECTIONS))
    for number in range(5):
        repository.add_article(f"story-{number}", hours_old=number + 1)
    people = [f"reader{number}@example.org" for number in range(subscribers)]
    repository.add_subscribers(people)
    return repository, people


def _send(subscribers: int) -> tuple[float, float, bool]:
    """Letters a second of the whole process, its peak memory in MB, and whether each got exactly one."""
    with tempfile.TemporaryDirectory() as name, Sink(Path(name) / "journal") as sink:
        repository, people = _prepared(Path(name), subscribers)
        began = time.perf_counter()
        process = repository.start("send", repository.today, "--json", smtp_url=sink.url)
        assert process.stdout is not None
        with _peak_of(process.pid) as peak:
            process.stdout.read()
        _, status, _ = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        _close(process)
        counts = Counter(recipient for recipient, _ in sink.taken())
        return subscribers / seconds, peak[0], counts == Counter(people)


@contextmanager
def _peak_of(pid: int) -> Iterator[list[float]]:
    """The most memory that a process has had, in MB, looked at until it ends or the ``with`` does.

    What `os.wait4` tells counts the memory of whoever started it, until it became a process of its own.
    """
    most, stop = [0.0], threading.Event()

    def look() -> None:
        with suppress(OSError, StopIteration):
            while not stop.wait(0.1):
                lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
                most[0] = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield most
    finally:
        stop.set()
        watcher.join()


def _killed_half_way(subscribers: int) -> tuple[int, int, int]:
    """How many are missing, how many got it twice, and how many of these with another Message-ID."""
    with tempfile.TemporaryDirectory() as name, Sink(Path(name) / "journal") as sink:
        repository, people = _prepared(Path(name), subscribers)
        process = repository.start("send", repository.today, smtp_url=sink.url)
        while sink.count() < subscribers // 2:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        _close(process)
        ended = repository.run("send", repository.today, smtp_url=sink.url, timeout=600)
        assert ended.code == 0, ended.err
        taken = sink.taken()
    counts = Counter(recipient for recipient, _ in taken)
    ids = {recipient: {i for who, i in taken if who == recipient} for recipient, n in counts.items() if n > 1}
    return len(set(people) - set(counts)), len(taken) - len(counts), sum(len(found) > 1 for found in ids.values())


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
