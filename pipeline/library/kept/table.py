"""A table of many rows of which a run changes few: those are written beside it, and not all of it anew.

    FILE           all rows, as they were when they were last written whole
    FILE.changed   those that are others by now

The second names the first by a stamp: where that was written whole meanwhile, by another process or by one that was killed before
it had removed the second, this one counts for nothing. So what is read is always what one run has written.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.library.kept.index import read_table, write_table

MOST: Final = 1_000  # rows that are written beside the others; reading them takes a few milliseconds
_STAMP: Final = "stamp"


class Table:
    """The table in *file*: by name, parts that are rows by name, or values. *note* tells what was wrong with it, if anything.

    The rows of the parts that *rows* names are named tuples of these classes.
    """

    def __init__(self, file: Path, version: str, rows: Mapping[str, type[tuple[Any, ...]]] | None = None) -> None:
        self._file = file
        self._beside = file.with_name(f"{file.name}.changed")
        self._version = version
        self._kinds = rows or {}
        self.parts, self.note = read_table(file, version)
        self._stamp = self.parts.pop(_STAMP, b"")
        self._rows: dict[str, dict[str, Any]] = {}  # by part, what is another row than in the file; None: it is gone
        self._values: dict[str, Any] = {}
        for name in self._kinds.keys() & self.parts.keys():
            self._make(name, self.parts[name])
        if self._stamp:
            self._take_in()

    def write(self, parts: Mapping[str, Any]) -> str:
        """Keep *parts* in the place of those that were read, once; one line on why they could not be written, if so."""
        if all(part == self.parts.get(name) for name, part in parts.items()):
            return ""
        self._compare(parts)
        if self._stamp and sum(map(len, self._rows.values())) <= MOST:
            beside = {_STAMP: self._stamp, "rows": self._plain(self._rows), "values": self._values}
            return write_table(self._beside, beside, self._version)
        note = write_table(self._file, {**self._plain(parts), _STAMP: os.urandom(16)}, self._version)
        if not note:  # else the old file still stands, and these belong to it
            with contextlib.suppress(OSError):
                self._beside.unlink()
        return note

    def _take_in(self) -> None:
        changed, note = read_table(self._beside, self._version)
        if note:  # what was read before holds: it is of an earlier run
            self.note = note
            with contextlib.suppress(OSError):
                self._beside.unlink()
        if changed.get(_STAMP) != self._stamp:
            return
        self._rows, self._values = changed["rows"], changed["values"]
        self.parts |= self._values
        for name, rows in self._rows.items():
            self._make(name, rows)
            part = self.parts[name]
            for key, row in rows.items():
                if row is None:
                    part.pop(key, None)
                else:
                    part[key] = row

    def _make(self, name: str, rows: dict[str, Any]) -> None:
        """Make the plain *rows* of the part *name* what they were."""
        if kind := self._kinds.get(name):
            for key, row in rows.items():
                if row is not None:
                    rows[key] = tuple.__new__(kind, row)

    def _plain(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """*parts* with rows that can be written."""
        named = {name: parts[name] for name in self._kinds.keys() & parts.keys()}
        return {
            **parts,
            **{name: {key: row and tuple(row) for key, row in part.items()} for name, part in named.items()},
        }

    def _compare(self, parts: Mapping[str, Any]) -> None:
        for name, part in parts.items():
            before = self.parts.get(name)
            if part == before:
                continue
            if not isinstance(part, dict) or not isinstance(before, dict):
                self._values[name] = part
                continue
            rows = self._rows.setdefault(name, {})
            others = (key for key, row in part.items() if (known := before.get(key)) is not row and known != row)
            rows.update({key: part[key] for key in others})
            rows.update(dict.fromkeys(before.keys() - part.keys()))
