"""A folder of this machine as a target, such as the one that a web server shows.

All that is new or changed is copied into it first, out of sight, and then put into place file by file: a disk that is full, or a
file that cannot be read, is met before anything that readers see has changed.
Everybody may read what is put there, as rsync's targets have it too: who publishes may keep all else of theirs to themselves.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pipeline.errors import PublishError, StoreError
from pipeline.files import is_full, put, what_next
from pipeline.publish.outputs import OWN, total_size
from pipeline.publish.plan import Step
from pipeline.publish.target import Done, Stop, must_be_unchanged

INCOMING: Final = f"{OWN}/incoming"


class Folder:
    """The folder *path*, which is made where it is not there."""

    keeps_headers = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def has_any(self) -> bool:
        if not self.path.exists():
            return False
        if not self.path.is_dir():
            raise PublishError(f"{self.path}: is no folder; name another target")
        return any(entry.name != OWN for entry in self.path.iterdir())

    def read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(self.path / name, "read", error) from error

    def write(self, name: str, content: bytes) -> None:
        try:
            put(self.path / name, content)
        except StoreError as error:
            raise PublishError(str(error)) from error

    def send(self, site: Path, steps: Sequence[Step], *, done: Done, stop: Stop) -> None:
        incoming = self.path / INCOMING
        shutil.rmtree(incoming, ignore_errors=True)
        try:
            self._stage(site, steps, incoming, stop=stop)
            if hasattr(os, "sync"):
                os.sync()  # a machine that loses power now must not have empty files for full ones
            for step in steps:
                for output in step.outputs:
                    if stop():
                        return
                    self._place(incoming / output.path, self.path / output.path)
                    done((output.path,))
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def remove(self, paths: Sequence[str]) -> None:
        for name in paths:
            path = self.path / name
            try:
                path.unlink(missing_ok=True)
                for folder in path.parents:
                    if folder == self.path or any(folder.iterdir()):
                        break
                    folder.rmdir()
            except FileNotFoundError:  # its folder is gone too
                continue
            except OSError as error:
                raise _failed(path, "removed", error) from error

    @contextmanager
    def locked(self) -> Iterator[Callable[[], None]]:
        path = self.path / OWN / "lock"
        try:
            _make_public(self.path)
            path.parent.mkdir(exist_ok=True)
            file = path.open("a")
        except OSError as error:
            raise _failed(path, "written", error) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however it ends
            except BlockingIOError as error:
                raise PublishError(
                    f"{self.path}: another publish is under way there; run again when it is done"
                ) from error
            try:
                yield lambda: None
            finally:
                with suppress(OSError):
                    if list(path.parent.iterdir()) == [path]:  # a place that was refused keeps nothing of ours
                        shutil.rmtree(path.parent, ignore_errors=True)

    def _stage(self, site: Path, steps: Sequence[Step], incoming: Path, *, stop: Stop) -> None:
        for step in steps:
            for output in step.outputs:
                if stop():
                    return
                there = incoming / output.path
                try:
                    there.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(site / output.path, there)
                    _let_all(0o444, there)
                except OSError as error:
                    if is_full(error):
                        needed = total_size([o for s in steps for o in s.outputs]) >> 20
                        raise PublishError(
                            f"{self.path}: the disk is full, and the old site stays; make room for {needed + 1} MB and run again"
                        ) from error
                    raise _failed(there, "written", error) from error
            must_be_unchanged(site, [step], [output.path for output in step.outputs])

    def _place(self, fresh: Path, there: Path) -> None:
        try:
            _make_public(there.parent)
            if there.is_dir() and not there.is_symlink():
                with suppress(OSError):
                    there.rmdir()
            fresh.replace(there)
        except OSError as error:
            raise _failed(there, "written", error) from error


def _make_public(folder: Path) -> None:
    """Make *folder* and those above it. A web server finds its way through what is new, whatever the umask."""
    if folder.is_dir():
        return
    _make_public(folder.parent)
    folder.mkdir(exist_ok=True)
    _let_all(0o555, folder)


def _let_all(rights: int, path: Path) -> None:
    """Add *rights* for everybody, where the file system knows such."""
    mode = path.stat().st_mode
    if mode & rights != rights:
        with suppress(PermissionError):
            path.chmod(mode & 0o7777 | rights)


def _failed(path: Path, verb: str, error: OSError) -> PublishError:
    if isinstance(error, FileExistsError) and error.filename:
        path = Path(error.filename)  # what stands in the way says more than what was to lie below it
    return PublishError(
        f"{path}: cannot be {verb}: {error.strerror}; every page there is whole: {what_next(error)} and run again"
    )
