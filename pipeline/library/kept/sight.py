"""Which files there are and what each holds, by hash. A file whose times, size and inode are as they were is not read again.

Among the times is that at which the system itself last noted a change (ctime): no tool sets it, as many set the other.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from pipeline.library.own import why_not_read
from pipeline.model import Problem
from pipeline.printable import printable

Sign: TypeAlias = tuple[int, int, int, int]  # mtime in nanoseconds, size, inode, ctime in nanoseconds
Seen: TypeAlias = dict[str, tuple[Sign, bytes]]  # by path: what a file looked like, and the hash of what it held
GONE: Final = b""
# Nanoseconds: a file that was changed so shortly before may be changed again in the same tick.
_RECENT: Final = 2_000_000_000


def sign_of(found: os.stat_result) -> Sign:
    """What tells a file from what it was."""
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def is_settled(sign: Sequence[int], now_ns: int) -> bool:
    """False for a file that was changed a moment ago: it may be changed again, and bear the same sign."""
    return max(sign[0], sign[3]) < now_ns - _RECENT


@dataclass
class Sight:
    """The files below some folders of *root*."""

    root: Path
    seen: Mapping[str, tuple[Sign, bytes]]  # by the last run
    signs: dict[str, Sign] = field(default_factory=dict)  # of every ordinary file, by path
    foreign: list[Problem] = field(default_factory=list)  # what is not to be read
    now_seen: Seen = field(default_factory=dict)

    def look(self, folder: str) -> None:
        """Take in *folder* and all below it."""
        top = self.root / folder
        if os.path.lexists(top):
            if why := why_not_read(top, self.root):
                self.foreign.append(self._problem(str(top), why))
            elif top.is_dir():
                self._look(str(top), folder)

    def hash_of(self, path: str) -> bytes:
        """The hash of what the file *path* holds; `GONE` where it cannot be read."""
        sign = self.signs.get(path)
        if sign is None:
            return GONE
        if path in self.now_seen:
            return self.now_seen[path][1]
        known = self.seen.get(path)
        if known is not None and known[0] == sign:
            self.now_seen[path] = known
            return known[1]
        try:
            found = hashlib.sha256((self.root / path).read_bytes()).digest()
        except OSError:
            return GONE
        self.now_seen[path] = (sign, found)
        return found

    def below(self, folder: str, ending: str) -> list[str]:
        """The paths of the files below *folder* whose names end so, in order; hidden ones are an editor's own."""
        start = folder + "/"
        return sorted(
            path
            for path in self.signs
            if path.endswith(ending) and path.startswith(start) and path[path.rindex("/") + 1] != "."
        )

    def remembered(self, *, now_ns: int) -> Seen:
        """What to hand to the next run: what was read, but for files that were changed a moment ago."""
        return {path: known for path, known in self.now_seen.items() if is_settled(known[0], now_ns)}

    def _look(self, where: str, path: str) -> None:
        inner = []
        for entry in _entries(where):
            name = f"{path}/{entry.name}"
            try:
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode) and entry.name.isprintable():
                    inner.append((entry.path, name))
                    continue
                if not stat.S_ISREG(found.st_mode) or not entry.name.isprintable():
                    if why := why_not_read(Path(entry.path), self.root):
                        self.foreign.append(self._problem(entry.path, why))
                        continue
                    found = entry.stat()  # a link within our own files
                    if not stat.S_ISREG(found.st_mode):
                        continue
            except OSError:  # an editor's own file may vanish meanwhile
                continue
            self.signs[name] = sign_of(found)
        for place, name in inner:
            self._look(place, name)

    def _problem(self, place: str, why: str) -> Problem:
        return Problem(printable(Path(os.path.relpath(place, self.root)).as_posix()), 1, 1, "S005", why)


def _entries(where: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(where) as entries:
            yield from entries
    except OSError:
        return
