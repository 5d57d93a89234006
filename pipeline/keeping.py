"""What was worked out once and can be worked out again: values by name, in one SQLite file that may be deleted at any time.

A name is the hash of all that its value was made of, never of a time or a place, so that the file serves a fresh clone on another
machine. A file that is damaged, of another version or not to be written is no error: it is thrown away and made again, or done
without, and `Keep.note` says so in one line. Each value carries a hash of itself.

A value that is large, such as an image, is a file of its own (`keep_file`), which carries a hash of itself too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipeline.errors import StoreError
from pipeline.files import clear_way, put, what_next

VERSION: Final = 1
_OURS: Final = 0x4F534B50  # application_id of SQLite: "OSKP"
_AT_ONCE: Final = 500  # names in one question
_PATIENCE: Final = 10.0  # seconds for which another process may hold the file
_UNUSED_DAYS: Final = 14
_CHECK: Final = 8


class Keep:
    """The values kept in *file*."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.note = ""
        self.is_new = False  # True where the file was made just now, so that nothing of earlier is in it
        self._in_mind: dict[bytes, bytes] = {}  # what cannot be written, for as long as this process lives
        self._database = self._opened()

    def get(self, names: Iterable[bytes]) -> dict[bytes, bytes]:
        """The values of *names*, by name; those that are not here are left out."""
        wanted = list(names)
        found = {name: self._in_mind[name] for name in wanted if name in self._in_mind} if self._in_mind else {}
        try:
            for start in range(0, len(wanted) if self._database else 0, _AT_ONCE):
                found.update(self._some(wanted[start : start + _AT_ONCE]))
        except sqlite3.DatabaseError as error:
            self._give_up(error)
        return found

    def put(self, values: Iterable[tuple[bytes, bytes]], *, day: int) -> None:
        """Keep *values*, each a name and what it names; *day* counts days, and tells when nobody wants them any more."""
        given = dict(values)
        rows = [(name, day, _sum(value) + value) for name, value in given.items()]
        if self._database is None:
            self._in_mind.update(given)
            return
        try:
            with self._database as database:
                database.executemany("INSERT OR REPLACE INTO kept (name, day, value) VALUES (?, ?, ?)", rows)
        except sqlite3.DatabaseError as error:
            self._in_mind.update(given)
            self._give_up(error)

    def tidy(self, wanted: Iterable[bytes], *, day: int) -> None:
        """Drop what is not *wanted* and was not for two weeks; looked for once a day."""
        if self._database is None:
            return
        try:
            with self._database as database:
                ((last,),) = database.execute("SELECT coalesce(max(day), 0) FROM tidied").fetchall()
                if last >= day:
                    return
                database.execute("CREATE TEMP TABLE wanted (name BLOB PRIMARY KEY)")
                database.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((name,) for name in wanted))
                database.execute("UPDATE kept SET day = ? WHERE name IN (SELECT name FROM wanted)", (day,))
                database.execute("DROP TABLE wanted")
                database.execute("DELETE FROM kept WHERE day < ?", (day - _UNUSED_DAYS,))
                database.execute("INSERT INTO tidied VALUES (?)", (day,))
        except sqlite3.DatabaseError as error:
            self._give_up(error)

    def close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.DatabaseError):
                self._database.close()
            self._database = None

    def reopened(self) -> Keep:
        """The same file by a connection of its own, which must not be carried into another process."""
        other = Keep(self.file)
        other._in_mind = self._in_mind
        return other

    # -- parts

    def _opened(self) -> sqlite3.Connection | None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.note = f"{self.file.parent}: cannot be made ({error.strerror}), so nothing is kept for the next build"
            return None
        try:
            if clear_way(self.file):
                self.note = f"{self.file} is a folder: thrown away and made again"
                return self._made_again()
            return self._connected()
        except _OfAnotherVersion:
            self.note = f"{self.file} is of another version: thrown away and made again"
        except sqlite3.OperationalError as error:
            return self._read_only(error)
        except sqlite3.DatabaseError:
            self.note = f"{self.file} is damaged: thrown away and made again"
        except OSError as error:  # the folder may not be looked into
            self.note = f"{self.file} cannot be used ({error.strerror}), so nothing is kept for the next build"
            return None
        return self._made_again()

    def _connected(self) -> sqlite3.Connection:
        is_new = not self.file.exists() or self.file.stat().st_size == 0
        database = sqlite3.connect(self.file, timeout=_PATIENCE)
        try:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            ours = database.execute("PRAGMA application_id").fetchone()[0]
            if not is_new and (version, ours) not in ((VERSION, _OURS), (0, 0)):
                raise _OfAnotherVersion  # noqa: TRY301 -- the connection is closed below
            # A kill spoils nothing, and what a loss of power spoils is made again (sqlite.org/pragma.html#pragma_synchronous). No
            # WAL: its index is mapped into memory, and a process dies of a bus error where somebody cuts that file.
            database.execute("PRAGMA synchronous = OFF")
            if (version, ours) != (VERSION, _OURS):
                self.is_new = True
                database.execute(f"PRAGMA application_id = {_OURS}")
                database.execute(
                    "CREATE TABLE IF NOT EXISTS kept (name BLOB PRIMARY KEY, day INTEGER NOT NULL, value BLOB NOT NULL)"
                )
                database.execute("CREATE TABLE IF NOT EXISTS tidied (day INTEGER NOT NULL)")
                database.execute(f"PRAGMA user_version = {VERSION}")
            database.execute("SELECT name FROM kept LIMIT 1").fetchone()
        except BaseException:
            database.close()
            raise
        return database

    def _read_only(self, error: sqlite3.OperationalError) -> sqlite3.Connection | None:
        self.note = f"{self.file} cannot be written ({error}), so nothing is kept for the next build"
        with contextlib.suppress(sqlite3.DatabaseError):
            database = sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                return database
            database.close()
        return None

    def _made_again(self) -> sqlite3.Connection | None:
        try:
            for suffix in ("", "-wal", "-shm", "-journal"):
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
            return self._connected()
        except (OSError, sqlite3.DatabaseError, _OfAnotherVersion):
            self.note = self.note.partition(":")[0] + " and cannot be made again, so nothing is kept for the next build"
            return None

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Go on without; a damaged file is made again for the next time."""
        self.close()
        if isinstance(error, sqlite3.OperationalError):  # locked, full or read-only: the file itself is in order
            self.note = f"{self.file} cannot be used ({error}), so nothing is kept for the next build"
            return
        self.note = f"{self.file} is damaged: thrown away and made again"
        self._database = self._made_again()

    def _some(self, names: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        assert self._database is not None
        marks = ",".join("?" * len(names))
        for name, value in self._database.execute(f"SELECT name, value FROM kept WHERE name IN ({marks})", names):  # noqa: S608
            if value[:_CHECK] == _sum(value[_CHECK:]):
                yield name, value[_CHECK:]


def folder_cleared(folder: Path) -> str:
    """Throw away what stands where the *folder* of what is kept belongs and is none; one line on it, if anything did."""
    with contextlib.suppress(OSError):
        if os.path.lexists(folder) and not folder.is_dir():
            folder.unlink()
            return f"{folder} is no folder: thrown away and made again"
    return ""


def told_once(notes: Iterable[str], folder: Path) -> tuple[str, ...]:
    """*notes*; where nothing can be kept in *folder* at all, one on that in the place of those on each of its files."""
    given = tuple(notes)
    if not given:
        return ()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        why = f"{folder}: cannot be used ({error.strerror}), so nothing is kept for the next build; {what_next(error)}"
        return (*(note for note in given if not note.startswith(str(folder))), why)
    return given


def kept_file(file: Path) -> bytes | None:
    """What was kept in *file*; None where nothing was, or it is damaged."""
    try:
        raw = file.read_bytes()
    except OSError:
        return None
    value = raw[_CHECK:]
    return value if raw[:_CHECK] == _sum(value) and value else None


def keep_file(file: Path, value: bytes) -> None:
    """Keep *value* in *file*, in the place of whatever is there; where that cannot be written, it is made again next time."""
    with contextlib.suppress(StoreError, OSError):
        clear_way(file)
        put(file, _sum(value) + value, sync=False)


class _OfAnotherVersion(Exception):
    pass


def _sum(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_CHECK).digest()
