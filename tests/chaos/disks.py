"""R-04: a disk that is full, broken or read-only at any write: nothing acknowledged is lost, it is said, and later it goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.chaos.scene import ONE_CLICK, Scene, Told, post, scene, struck
from tests.invariants import Seen

FAULTS = (  # how the disk fails, from its n-th call on
    "pwrite64:error=ENOSPC",
    "pwrite64:error=EROFS",
    "pwrite64:error=EIO",
    "fdatasync:error=EIO",
)
NAMED = (
    "disk is full; make room",
    "disk i/o error; its disk is full or failing",
    "unable to open",
)  # as SQLite tells them apart
ALARM = 10.0  # seconds, at most, until it is said
SMALL = 1_048_576  # octets of the small disk


def fail_at_writes(one: Scene, numbers: Iterable[int]) -> Seen:
    """Send the issue while the disk fails for good at its n-th call, for each n and each way to fail in turn; at last mended."""
    failures = 0
    with one.sink() as sink:
        for number in numbers:
            fault = FAULTS[number % len(FAULTS)]
            child = one.start("send", one.issue, smtp=sink.url, held=True)
            tracer = struck(child, f"{fault}:when={number}+")
            ended = child.wait(60 + ALARM)
            tracer.wait(20)
            what = f"{fault} from call {number} on"
            assert ended.code in (0, 1), f"{what}: ended with {ended.code}: {ended.err}"
            if ended.code == 1:
                failures += 1
                said = ended.err.lower()
                assert any(words in said for words in NAMED), f"{what}: not named: {ended.err}"
                assert "opensignal.db" in said, f"{what}: which file is not told: {ended.err}"
                assert "unexpected" not in said, f"{what}: {ended.err}"
            one.check(in_doubt=failures * one.connections, finished=False)
    one.finish()
    return one.check(in_doubt=failures * one.connections)


# --- a small disk ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, *, size: int) -> Iterator[Path]:
    """A file system of *size* octets at *folder*; wants root. Raises `OSError` where it cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def may_mount() -> bool:
    """Whether this user may mount file systems."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as name:
        try:
            with small_disk(Path(name) / "disk", size=65_536):
                return True
        except OSError:
            return False


def remount(folder: Path, *options: str) -> None:
    _mount("-o", ",".join(("remount", *options)), str(folder))


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip())


def full_disk(folder: Path, one: Scene) -> Seen:
    """Send the issue from a database on a disk that fills up half-way, and take sign-ups there; then there is room again.

    The world *one* has a planned issue; a copy of it moves to the small disk.
    """
    with small_disk(folder, size=20 * SMALL):
        there = one.copy("small")
        there.database_url = f"sqlite:///{folder / 'opensignal.db'}"
        shutil.copy(there.folder / "opensignal.db", folder / "opensignal.db")
        _fill(folder, leave=200_000)
        with there.sink() as sink:
            stopped = there.send("send", there.issue, smtp=sink.url)
        assert stopped.code == 1, f"it went through: {stopped.out}"
        assert "disk is full" in stopped.err, stopped.err
        assert "make room" in stopped.err, stopped.err
        some = there.check(in_doubt=there.connections, finished=False)
        assert some.accepted < len(there.readers)
        left = _leave_until_it_is_full(there, folder)
        for filler in folder.glob("filler*"):
            filler.unlink()
        with there.serving() as url:
            status, _ = post(url + there.leaving()[there.readers[-1]], ONE_CLICK)
            assert status == 200, f"with room again, one click was answered with {status}"
        states = {email: row.state for email, row in there.standing().items()}
        lost = [email for email in left if states[email] != "unsubscribed"]
        assert not lost, f"left with a 200, and are not known to have left: {lost}"
        there.finish()
        return there.check(in_doubt=there.connections)


def _leave_until_it_is_full(there: Scene, folder: Path) -> list[str]:
    """Readers leave by one click until the disk is full, and are told to come again. Returns who was told that it was done."""
    left = []
    with there.serving() as url:
        _fill(folder, leave=0)
        for email, path in there.leaving().items():
            status, headers = post(url + path, ONE_CLICK)
            assert status in (200, 503), f"on a full disk, one click was answered with {status}"
            if status == 503:
                assert int(headers.get("retry-after", "0")) > 0
                break
            left.append(email)
        assert status == 503, "the disk never filled up"
        status, _ = post(f"{url}subscribe", {"email": "new@example.org", "cadence": "daily"})
        assert status != 500, "on a full disk, a sign-up was answered with 500"
    return left


def read_only_disk(folder: Path, one: Scene) -> Seen:
    """Send the issue from a database on a disk that may not be written; then it may."""
    with small_disk(folder, size=20 * SMALL):
        there = one.copy("read-only")
        there.database_url = f"sqlite:///{folder / 'opensignal.db'}"
        shutil.copy(there.folder / "opensignal.db", folder / "opensignal.db")
        remount(folder, "ro")
        with there.sink() as sink:
            stopped = there.send("send", there.issue, smtp=sink.url)
        assert stopped.code == 1, stopped
        assert "opensignal.db" in stopped.err, stopped.err
        assert "may write" in stopped.err or "right to write" in stopped.err, stopped.err
        assert there.accepted() == []
        remount(folder, "rw")
        there.finish()
        return there.check(in_doubt=0)


def _fill(folder: Path, *, leave: int) -> None:
    """Fill the disk but for *leave* octets."""
    free = shutil.disk_usage(folder).free
    filler = folder / f"filler{free}"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        left = max(0, free - leave)
        while left > 0:
            left -= file.write(b"x" * min(left, 65_536))
            file.flush()


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """The disk fails at call n = 1..200 in four ways; a small disk fills up; a disk is read-only."""
    last, people = max(4, int(200 * scale)), max(100, int(20_000 * scale))
    with scene(folder / "writes", people) as one:
        yield Told(
            "R-04", f"{people:,} recipients, disk fails at n = 1..{last}", str(fail_at_writes(one, range(1, last + 1)))
        )
    if not may_mount():
        yield Told("R-04", "a full disk, a read-only disk", "not run: mounting wants root", ok=False)
        return
    with scene(folder / "disks", 3_000) as one:
        yield Told("R-04", "3,000 recipients, the disk fills up", str(full_disk(folder / "small", one)))
        yield Told("R-04", "3,000 recipients, the disk is read-only", str(read_only_disk(folder / "read", one)))
