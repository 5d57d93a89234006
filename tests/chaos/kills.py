"""R-01: kill -9 at any moment, at random and at the n-th write: nobody is passed over, at most what was in flight comes twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.scene import Scene, Told, scene, struck
from tests.invariants import Seen
from tests.repository import Sink

CALLS = (
    "sendto",
    "pwrite64",
    "fdatasync,fsync",
)  # words to the mail server, writes to the database, and their way to the disk
RESUMED = 5.0  # seconds, at most, from a restart to the next letter


@dataclass(frozen=True, slots=True)
class Killed:
    """What the kills of one issue did."""

    kills: int
    seen: Seen
    slowest: float  # seconds from a restart to its first letter

    def __str__(self) -> str:
        return f"{self.kills} kills: {self.seen}; resumed in at most {self.slowest:.1f} s"


def kill_at_calls(scene: Scene, numbers: Iterable[int], *, calls: Iterable[str] = (), check_every: int = 1) -> Killed:
    """Send the issue, killed at its n-th call for each n of *numbers*, and run it again each time; at last, let it finish.

    Without *calls* each number has one of `CALLS`, in turn; with them, each number has all of them.
    """
    chosen = tuple(calls)
    with scene.sink() as sink:
        for number in numbers:
            for call in chosen or (CALLS[number % len(CALLS)],):
                child = scene.start(smtp=sink.url, held=True)
                tracer = struck(child, f"{call}:signal=KILL:when={number}")
                ended = child.wait(120)
                tracer.wait(20)
                assert ended.code in (-9, 0), f"{call} {number}: code {ended.code}: {ended.err}"
                scene.kills += ended.code == -9
                if scene.kills % check_every == 0:
                    scene.check(finished=False)
    return _over(scene)


def kill_at_random(scene: Scene, kills: int, *, seed: int, check_every: int = 1, step: int = 150) -> Killed:
    """Send the issue, killed *kills* times: a while after its start, or when up to *step* more letters have come.

    The mail server takes no more than *step* and those in flight from one that is to be killed, however late the kill comes.
    """
    chance = random.Random(seed)
    slowest = 0.0
    with scene.sink() as sink:
        while scene.kills < kills:
            sink.take(step)
            child = scene.start(smtp=sink.url)
            if chance.random() < 0.3:
                time.sleep(chance.uniform(0, 0.3))
            else:
                slowest = max(slowest, _until(sink, chance.randint(1, step), child.runs))
                time.sleep(chance.uniform(0, 0.005))
            child.kill()
            ended = child.wait()
            scene.kills += ended.code == -9
            if ended.code == 0:
                break  # the list was too short for so many kills
            if scene.kills % check_every == 0:
                scene.check(finished=False)
    return _over(scene, slowest)


def _until(sink: Sink, more: int, runs: object) -> float:
    """Wait until so many *more* letters have come; returns when the first did, in seconds from now."""
    assert callable(runs)
    began, before = time.monotonic(), sink.count()
    first = 0.0
    while (count := sink.count()) < before + more and runs():
        if count > before and not first:
            first = time.monotonic() - began
        time.sleep(0.002)
    return first or time.monotonic() - began


def _over(scene: Scene, slowest: float = 0.0) -> Killed:
    with scene.sink() as sink:
        child = scene.start(smtp=sink.url)
        slowest = max(slowest, _until(sink, 1, child.runs))
        ended = child.wait(600)
    assert ended.code == 0, f"code {ended.code}: {ended.err}{ended.out}"
    return Killed(scene.kills, scene.check(), slowest)


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """100,000 recipients and 200 kills at random; 300 kills at the n-th call; restarts within seconds."""
    kills, people = max(2, int(200 * scale)), max(200, int(100_000 * scale))
    with scene(folder / "random", people, connections=8) as one:
        killed = kill_at_random(one, kills, seed=seed, check_every=20, step=people // kills)
        quick = killed.slowest < RESUMED
        yield Told(
            "R-01", f"{people:,} recipients, {kills} kills at random", str(killed), ok=quick and killed.kills == kills
        )
    last, people = max(3, int(300 * scale)), max(200, int(100_000 * scale))  # enough of them for 45,000 calls
    with scene(folder / "calls", people, connections=4) as one:
        killed = kill_at_calls(one, range(1, last + 1), check_every=20)
        yield Told("R-01", f"{people:,} recipients, kills at call n = 1..{last}", str(killed), ok=killed.kills == last)
    last, people = max(3, int(40 * scale)), max(200, int(30_000 * scale))
    with scene(folder / "all", people, connections=4) as one:
        killed = kill_at_calls(one, range(1, last + 1), calls=CALLS, check_every=20)
        size = f"{people:,} recipients, n = 1..{last} of each of {len(CALLS)} calls"
        yield Told("R-01", size, str(killed), ok=killed.kills == last * len(CALLS))
