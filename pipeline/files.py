"""Files that come into being whole: each holds all that it should, or is not there. Nothing is ever half written over."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import StoreBusy, StoreError

_HERE: Final = -100  # AT_FDCWD of linux/fcntl.h
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of linux/fs.h
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_IN_THE_WAY: Final = frozenset({errno.ENOTDIR, errno.EEXIST})  # of a folder that is made
_FOLDER_IN_THE_WAY: Final = frozenset({errno.EISDIR, errno.ENOTEMPTY})  # of a file that is put into place
_HALF: Final = re.compile(r"\..+\.[0-9a-f]{8}")  # as `_beside` names a file


def is_full(error: OSError) -> bool:
    """True when it was for want of room on the disk."""
    return error.errno in _FULL


def put(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Let *path* hold *content*, whole or not at all, with the rights of the file that was there; its folder is made.

    Without *sync* a machine that loses power may lose it: for what can be made again. Raises `StoreError`.
    """
    with _beside(path, content, sync=sync) as fresh:
        with contextlib.suppress(FileNotFoundError):
            fresh.chmod(path.stat().st_mode & 0o7777)
        fresh.replace(path)


def put_new(path: Path, content: bytes) -> bool:
    """As `put`, where nothing is yet; False where something is, which stays: of two that ask for one name, one has it."""
    with _beside(path, content, sync=True) as fresh:
        try:
            os.link(fresh, path)  # unlike a rename, fails where something is
        except FileExistsError:
            return False
    return True


def clear_way(file: Path) -> bool:
    """Remove the folder that stands where *file* belongs, if one does and can be; True where one did."""
    if not file.is_dir():
        return False
    shutil.rmtree(file, ignore_errors=True)
    return True


@contextmanager
def alone(folder: Path, *, other: str) -> Iterator[None]:
    """*folder*, which is there, for one process at a time; *other* says what the one that has it does: "another import is running".

    The lock is on the folder itself: it leaves no file, and ends with the process. Raises `StoreBusy` while another process has it,
    `StoreError` where it cannot be opened.
    """
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be opened: {error.strerror}; mend the folder's rights") from error
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(f"{folder}: {other}; wait for it to end and run again") from error
        yield
    finally:
        os.close(opened)


def sweep(folder: Path) -> None:
    """Remove what `put` and `put_new` left half written in *folder* where their process was killed."""
    for left in folder.glob(".*"):
        if _HALF.fullmatch(left.name) and left.is_file():
            with contextlib.suppress(OSError):
                left.unlink()


def what_next(error: OSError) -> str:
    """What a person can do about an *error* of writing."""
    if is_full(error):
        return "make room on the disk"
    if error.errno in _IN_THE_WAY:
        return "remove the file that stands where a folder belongs"
    if error.errno in _FOLDER_IN_THE_WAY:
        return "remove the folder that stands where a file belongs"
    if error.errno == errno.EROFS:
        return "let it be written there (for a service of systemd, name the folder in ReadWritePaths)"
    return "mend the folder's rights"


def take_place(fresh: Path, place: Path, *, aside: Path) -> None:
    """Let the folder *fresh* stand in *place*; what stood there goes to *aside* or to where *fresh* was. Raises `OSError`.

    In one step where the system can, else in two; where the second cannot be done, what stood there stands there again.
    """
    if place.exists() and exchange(fresh, place):
        return
    if place.exists():
        place.rename(aside)
    try:
        fresh.rename(place)
    except OSError:
        if aside.exists():
            aside.rename(place)
        raise


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders take each other's place in one step, so that at no moment nothing is there.

    False where the system cannot: Linux 3.15 and glibc 2.28 can, but not every file system.
    """
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


@contextmanager
def _beside(path: Path, content: bytes, *, sync: bool) -> Iterator[Path]:
    """A file beside *path* that holds all of *content*, for the caller to put in its place; else it vanishes."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        yield fresh
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}; {what_next(error)} and run again") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
