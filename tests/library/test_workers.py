"""Work by several processes: whatever ends one of them is told, and none outlives the one that it works for."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import BuildError
from pipeline.library.kept import workers
from pipeline.library.kept.workers import AtWork, in_slices

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are copied on Linux alone")


@pytest.fixture(autouse=True)
def _two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "processes", lambda: 2)


def unheard(done: int, of: int) -> None:
    """Nobody is told."""


def doubled(number: int, beside: int) -> int:
    return 2 * number + beside


def ended(number: int) -> int:
    if number == 70:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def asked_to_stop(number: int, asked: signal.Signals) -> int:
    if number == 70:
        os.kill(os.getpid(), asked)
    return number


def refused(number: int) -> int:
    if number == 70:
        raise BuildError("no seventy")
    return number


def test_results_come_in_the_order_of_what_was_asked() -> None:
    told: list[tuple[int, int]] = []

    found = list(in_slices(doubled, range(500), lambda *so_far: told.append(so_far), 1))

    assert found == [2 * number + 1 for number in range(500)]
    assert told[-1] == (500, 500)
    assert told == sorted(told)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("things", [range(200), range(70, 100_000)], ids=["late", "while work is handed over"])
def test_a_process_that_is_killed_ends_the_work_with_words_and_does_not_hang(things: range) -> None:
    with pytest.raises(BuildError, match=r"one of the processes at work was ended from outside.*run again"):
        list(in_slices(ended, things, unheard))


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_where_the_first_process_goes_on_when_it_is_asked_to_stop_the_others_go_on_too(asked: signal.Signals) -> None:
    before = signal.signal(asked, lambda number, frame: None)  # as `publish`, which ends what it is at
    try:
        found = list(in_slices(asked_to_stop, range(200), unheard, asked))
    finally:
        signal.signal(asked, before)

    assert found == list(range(200))


@pytest.mark.timeout(30)
def test_where_no_more_processes_can_be_started_one_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    fork = os.fork
    started: list[int] = []

    def fork_once() -> int:
        if started:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        started.append(fork())
        return started[0]

    monkeypatch.setattr(os, "fork", fork_once)

    found = list(in_slices(doubled, range(200), unheard, 1))

    assert found == [2 * number + 1 for number in range(200)]
    wait_until(lambda: not is_alive(started[0]))


def test_who_is_interrupted_while_it_hands_over_work_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(things: range, number: int) -> Iterator[range]:
        yield things[:1]
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "_slices", interrupted)

    with pytest.raises(KeyboardInterrupt):
        AtWork(time.sleep, range(60, 600))

    assert not multiprocessing.active_children()


def test_what_goes_wrong_in_another_process_is_raised_here() -> None:
    with pytest.raises(BuildError, match="no seventy"):
        list(in_slices(refused, range(200), unheard))


def test_work_that_nobody_asks_for_any_more_ends() -> None:
    at_work = AtWork(time.sleep, [0.01] * 5_000, enough=0)
    began = time.monotonic()

    at_work.stop()

    assert time.monotonic() - began < 10


@pytest.mark.timeout(60)
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_one_that_it_works_for(tmp_path: Path, ending: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import os, pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored by what it starts behind itself\n"
        "from pipeline.library.kept import workers\n"
        "workers.processes = lambda: 2\n"
        "def work(number, folder):\n    (folder / str(os.getpid())).touch(); time.sleep(0.05)\n"
        "list(workers.in_slices(work, range(100_000), lambda *_: None, pathlib.Path(sys.argv[1])))\n"
    )
    there = tmp_path / "there"
    there.mkdir()
    process = subprocess.Popen([sys.executable, str(program), str(there)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(list(there.iterdir())) == 2)
        others = [int(path.name) for path in there.iterdir()]

        process.send_signal(ending)

        wait_until(lambda: not any(map(is_alive, [process.pid, *others])))
    finally:
        process.kill()
        process.wait()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    """True where it runs: one that has ended may still be listed until somebody asks how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
