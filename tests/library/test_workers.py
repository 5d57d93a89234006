"""Work by several processes: whatever ends one of them is told, and none outlives the one that it works for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
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
def test_a_process_that_is_killed_ends_the_work_with_words_and_does_not_hang() -> None:
    with pytest.raises(BuildError, match=r"one of the processes at work was ended from outside.*run again"):
        list(in_slices(ended, range(200), unheard))


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
        "import os, pathlib, sys, time\n"
        "from pipeline.library.kept import workers\n"
        "workers.processes = lambda: 2\n"
        "def work(number, folder):\n    (folder / str(os.getpid())).touch(); time.sleep(0.05)\n"
        "list(workers.in_slices(work, range(100_000), lambda *_: None, pathlib.Path(sys.argv[1])))\n"
    )
    there = tmp_path / "there"
    there.mkdir()
    process = subprocess.Popen([sys.executable, str(program), str(there)], stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(there.iterdir())) == 2)
    others = [int(path.name) for path in there.iterdir()]

    process.send_signal(ending)
    process.wait()

    wait_until(lambda: not any(map(is_alive, others)))


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
