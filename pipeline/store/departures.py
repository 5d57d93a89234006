"""Departures: who left, and which addresses are suppressed, noted in a file beside the database.

A database restored from a backup knows nothing of those who left since; this file does, and `mail/departures.py` applies it before
anything is sent (T-20). It is only ever added to, and holds times, random refs and keyed hashes, never an address.

A departure is on disk before the transaction that records it is committed: none that was acknowledged can be missing here. One
whose commit never came, for the machine died in between, is applied with the next send; its owner did ask for it. A return is
noted after the commit: what is lost of it is a letter not sent, and never one sent to who left.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pipeline.errors import StoreError
from pipeline.store.tables import departures, subscribers

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

NOTES = "opensignal_notes"  # where a transaction gathers them, among its execution options


@dataclass(frozen=True, slots=True)
class Note:
    """One line. Either *ref* and *event*, a person's departure or return; or *hashed*, with *reason* None where it was lifted."""

    at: dt.datetime
    ref: str = ""
    event: str = ""
    detail: str | None = None
    hashed: str = ""
    key: str | None = None
    reason: str | None = None
    leaves: bool = True  # False: comes back

    def line(self) -> str:
        values: dict[str, Any] = {"at": self.at.astimezone(dt.UTC).isoformat(), "ref": self.ref, "event": self.event}
        values |= {"detail": self.detail, "hash": self.hashed, "key": self.key, "reason": self.reason}
        kept = {name: value for name, value in values.items() if value}
        if not self.leaves:
            kept["returns"] = True
        return json.dumps(kept, separators=(",", ":")) + "\n"


class Notebook:
    """The file of this machine. Many processes may write to it at once: each note is one line, written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, notes: Iterable[Note]) -> None:
        """Add *notes*; they are on disk when this returns. Raises `StoreError`."""
        text = "".join(note.line() for note in notes)
        if not text:
            return
        try:
            if not self.path.exists():
                self._make()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            try:
                # A line that a full disk cut off before must not spoil this one.
                data = b"\n" + text.encode()
                if os.write(descriptor, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(
                f"{self.path}: cannot be written: {error.strerror}; nobody can leave before that is mended, and nothing was changed"
            ) from error

    def name(self) -> str:
        """The file's own random id; empty when there is none yet."""
        try:
            with self.path.open("rb") as file:
                return str(json.loads(file.readline())["file"])
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.path}: its first line is damaged; restore it from a backup, or move it away"
            ) from error

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def read(self, *, offset: int) -> Iterator[tuple[Note, int]]:
        """Each note behind *offset*, with the offset behind it. A line that is damaged is passed by."""
        with self.path.open("rb") as file:
            file.seek(offset)
            for line in file:
                offset += len(line)
                if not line.endswith(b"\n"):  # still being written
                    return
                if note := _parsed(line):
                    yield note, offset

    def _make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(json.dumps({"file": secrets.token_hex(16)}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(fresh, self.path)  # fails where another process was first; never half-written
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _parsed(line: bytes) -> Note | None:
    try:
        values = json.loads(line)
        return Note(
            at=dt.datetime.fromisoformat(values["at"]),
            ref=values.get("ref", ""),
            event=values.get("event", ""),
            detail=values.get("detail"),
            hashed=values.get("hash", ""),
            key=values.get("key"),
            reason=values.get("reason"),
            leaves=not values.get("returns"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


# --- what a transaction notes ---------------------------------------------------------------------------------------------------


def note_people(
    connection: Connection, people: Sequence[tuple[int, str | None]], event: str, *, leaves: bool, at: dt.datetime
) -> None:
    """Note that each (number, detail) left or came back."""
    notes = _notes(connection)
    if notes is None:
        return
    query = sa.select(subscribers.c.id, subscribers.c.ref).where(subscribers.c.id.in_([n for n, _ in people]))
    refs = {row.id: row.ref for row in connection.execute(query)}
    notes += [Note(at, ref=refs[number], event=event, detail=detail, leaves=leaves) for number, detail in people]


def note_hash(connection: Connection, hashed: str, reason: str | None, *, key: str | None, at: dt.datetime) -> None:
    """Note that an address is suppressed, or, without a reason, no longer is."""
    notes = _notes(connection)
    if notes is not None:
        notes.append(Note(at, hashed=hashed, key=key, reason=reason, leaves=reason is not None))


def forget_notes(connection: Connection) -> None:
    """Let this transaction note nothing: what it records comes from the file."""
    notes = _notes(connection)
    if notes is not None:
        notes.clear()


def _notes(connection: Connection) -> list[Note] | None:
    found: list[Note] | None = connection.get_execution_options().get(NOTES)
    return found


# --- how far the file was compared ----------------------------------------------------------------------------------------------


def compared(connection: Connection, file: str) -> int:
    """Up to which offset this database has been compared with *file*."""
    query = sa.select(departures.c.offset).where(departures.c.file == file)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def set_compared(connection: Connection, file: str, offset: int) -> None:
    """Remember it."""
    connection.execute(departures.delete().where(departures.c.file == file))
    connection.execute(departures.insert(), {"file": file, "offset": offset})
