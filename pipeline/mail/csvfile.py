"""CSV files as people export them: any of three delimiters, a byte order mark, quotes, any line end, and some rows that are broken.

A quotation mark that is never closed costs its own row only: the csv module would take the rest of the file for one field.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline.errors import UsageError

DELIMITERS = ",;\t"
LINES_OF_A_FIELD = 20  # a quoted field may hold line breaks, up to here


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # on which it begins, from 1
    fields: Mapping[str, str]  # by column


@dataclass(frozen=True, slots=True)
class BrokenRow:
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """A file that is being read."""

    rows: Iterator[Row | BrokenRow]
    ignored: tuple[str, ...]  # columns that nobody asked for


@contextmanager
def open_rows(file: Path, *, required: str, known: Collection[str]) -> Iterator[Table]:
    """The rows of *file*, read one by one. Column names are compared without case.

    Raises `UsageError` for a file that cannot be read, has no header, or no column *required*.
    """
    try:
        with file.open("rb") as raw:
            start = raw.read(4)
        encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        # A byte that is not of the encoding spoils its own row, not the file.
        with file.open(encoding=encoding, errors="surrogateescape", newline="") as lines:
            yield _table(file, enumerate(lines, start=1), required=required, known=known)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file}: cannot be read: {why}; name a CSV file") from error


def _table(file: Path, lines: Iterator[tuple[int, str]], *, required: str, known: Collection[str]) -> Table:
    number, header = next(((n, line) for n, line in lines if line.strip()), (1, ""))
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip().lower() for name in _fields(header, delimiter) or []]
    if required not in names:
        raise UsageError(
            f'{file}:{number}: no column "{required}"; begin the file with a line that names its columns, '
            f"such as {','.join(known)}"
        )
    if twice := next((name for name in known if names.count(name) > 1), None):
        raise UsageError(f'{file}:{number}: the column "{twice}" stands there twice; delete one')
    ignored = tuple(name or "(without a name)" for name in names if name not in known)
    return Table(_rows(lines, names, delimiter), ignored)


def _rows(lines: Iterator[tuple[int, str]], names: list[str], delimiter: str) -> Iterator[Row | BrokenRow]:
    ahead: deque[tuple[int, str]] = deque()
    while True:
        number, line = ahead.popleft() if ahead else next(lines, (0, ""))
        if not line:
            return
        if not line.strip(" \r\n\t,;"):
            continue
        fields = _fields(line, delimiter)
        if fields is None:
            fields = _over_several_lines(line, lines, ahead, len(names), delimiter)
        if fields is None:
            yield BrokenRow(number, "a quotation mark stands where none may, or is never closed")
        elif any(fields[len(names) :]):
            yield BrokenRow(number, f"{len(fields)} fields where the header names {len(names)} columns")
        else:
            values = fields + [""] * (len(names) - len(fields))
            yield Row(number, dict(zip(names, values, strict=False)))


def _over_several_lines(
    line: str, lines: Iterator[tuple[int, str]], ahead: deque[tuple[int, str]], width: int, delimiter: str
) -> list[str] | None:
    """The row that begins with *line* and ends on a later one; None, with every line left to be read, when there is no such row."""
    ahead.extend(islice(lines, LINES_OF_A_FIELD - len(ahead)))
    whole = line
    for count, (_, following) in enumerate(ahead, start=1):
        whole += following
        fields = _fields(whole, delimiter)
        if fields is not None and len(fields) == width:
            for _ in range(count):
                ahead.popleft()
            return fields
    return None


def _fields(text: str, delimiter: str) -> list[str] | None:
    """The fields of one row; None when its quotation marks do not add up."""
    if '"' not in text:
        return text.rstrip("\r\n").split(delimiter)
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
