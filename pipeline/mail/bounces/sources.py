"""Where mails that came back lie: a Maildir, an mbox, a folder of files, one file. Nothing here is changed, and nothing is missing
because something beside it cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pipeline.errors import UsageError
from pipeline.mail.bounces.mime import MOST_BYTES
from pipeline.printable import printable

_ONE_MAIL: Final = frozenset((".eml", ".msg", ".txt", ".email", ".mail"))  # whatever such a file holds, it is one mail
_LONGEST_LINE: Final = 64 * 1024

# What stands between the mails of an mbox (RFC 4155): after a blank line, "From", a sender, and a date in the form of C's asctime.
_FROM_LINE = re.compile(rb"From \S.{0,200}? (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\S* .{0,40}\d\d:\d\d.{0,40}\d{4}")


@dataclass(frozen=True, slots=True)
class Found:
    """A mail as it lies somewhere, or why it cannot be read."""

    file: str  # its path as it can be shown; in an mbox with its number, as in ``inbox.mbox#3``
    origin: str  # maildir | mbox | file
    raw: bytes = field(default=b"", repr=False)  # no more than is ever looked at
    problem: str = ""


def mails_in(paths: Iterable[Path]) -> Iterator[Found]:
    """Every mail in *paths*, in the order of their names. Raises `UsageError` for a path that is not there."""
    paths = list(paths)
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder; name a mail, an mbox, a Maildir or a folder of mails")
    for path in paths:
        yield from _folder(path) if path.is_dir() else _file(path)


def _folder(folder: Path) -> Iterator[Found]:
    """A Maildir's mails, or those of a folder with mails and folders in it."""
    if is_maildir(folder):
        for name in ("new", "cur"):  # what stands in tmp is still being written
            for path in _files(folder / name):
                yield _one(path, origin="maildir")
        return
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(where)
        for inner in [name for name in folders if is_maildir(here / name)]:
            folders.remove(inner)
            yield from _folder(here / inner)
        for name in sorted(names):
            if not name.startswith(".") and (here / name).is_file():
                yield from _file(here / name)


def is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _file(path: Path) -> Iterator[Found]:
    if not path.is_file():  # a pipe or a device may never end
        yield Found(printable(path), "file", problem="cannot be read: it is no file")
        return
    if path.suffix.lower() in _ONE_MAIL:
        yield _one(path, origin="file")
        return
    try:
        with path.open("rb") as stream:
            beginning = stream.readline(_LONGEST_LINE)
            if not _FROM_LINE.match(beginning):
                stream.seek(0)
                yield Found(printable(path), "file", stream.read(MOST_BYTES))
                return
            yield from _mbox(path, stream)
    except OSError as error:
        yield Found(printable(path), "file", problem=f"cannot be read: {error.strerror}")


def _one(path: Path, *, origin: str) -> Found:
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            return Found(printable(path), origin, problem="cannot be read: it is no file")
        with path.open("rb") as stream:
            return Found(printable(path), origin, stream.read(MOST_BYTES))
    except OSError as error:
        return Found(printable(path), origin, problem=f"cannot be read: {error.strerror}")


def _mbox(path: Path, stream: IO[bytes]) -> Iterator[Found]:
    """The mails of an mbox whose first "From " line has been read."""
    shown, number = printable(path), 1
    kept: list[bytes] = []
    size = 0
    after_blank = False
    while line := stream.readline(_LONGEST_LINE):
        if after_blank and _FROM_LINE.match(line):
            yield Found(f"{shown}#{number}", "mbox", b"".join(kept))
            number += 1
            kept, size = [], 0
        elif size < MOST_BYTES:
            line = line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line
            kept.append(line[: MOST_BYTES - size])
            size += len(kept[-1])
        after_blank = not line.strip()
    yield Found(f"{shown}#{number}" if number > 1 else shown, "mbox", b"".join(kept))
