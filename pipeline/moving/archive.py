"""The files of an export, read one by one and never unpacked: zips, folders, or files by themselves, as one.

    paths | members | read, within limits | text

A name inside an archive is only ever looked up: nothing is written under it. What leads out of the archive, is a link, is
locked or grows beyond all measure when it is unpacked is passed over and told.
"""

from __future__ import annotations

import codecs
import csv
import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self

from pipeline.errors import UsageError
from pipeline.moving.export import Note, note

MOST_MEMBERS: Final = 500_000
# Folders, one in the other; a name in a zip can have thousands, and ways to a text are made of each.
DEEPEST: Final = 100
MOST_BYTES: Final = 1_000_000_000  # of one file: ten thousand posts with all that they hold
MOST_IN_ALL: Final = 16_000_000_000
DENSEST: Final = 150  # bytes unpacked for one packed; text has 3 to 30, a zip bomb a thousand
DENSE_FROM: Final = 8_000_000  # below, density does no harm
MOST_FIELD: Final = 64_000_000  # of a CSV
_NOISE: Final = re.compile(r"(^|/)(__MACOSX/|\.git/|node_modules/|\.DS_Store$|Thumbs\.db$|\._)")
_UNSAID: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # a byte that is no UTF-8 comes as one of the latter
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class TooMuch(Exception):
    """A file of an archive that cannot be read: locked, broken, or larger than any post is."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the export."""

    name: str  # with forward slashes, from the top of its archive
    where: Path  # the zip or the folder that it is in, or itself
    packed: zipfile.ZipInfo | None = None
    alone: bool = False  # named by itself, and not found in a zip or folder

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def last(self) -> str:
        """Its name without folders."""
        return self.name.rpartition("/")[2]


@dataclass(slots=True)
class Archive:
    """What stands at some paths."""

    members: list[Member] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _zips: dict[Path, zipfile.ZipFile] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _read: int = 0
    _headers: dict[Member, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Self:
        """Raises `UsageError` for a path where nothing stands, or nothing that can be read."""
        archive = cls()
        try:
            for path in paths:
                archive._take(path)
        except BaseException:
            archive._stack.close()
            raise
        archive.members.sort(key=lambda member: (member.name, str(member.where)))
        return archive

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # -- what is there

    def named(self, pattern: str) -> list[Member]:
        """The members whose whole name matches *pattern*, in whichever folder it begins."""
        shape = re.compile(rf"(?:.*/)?(?:{pattern})", re.IGNORECASE)
        return [member for member in self.members if shape.fullmatch(member.name)]

    def tables(self, *columns: str) -> list[Member]:
        """The CSV files that have all of these columns."""
        wanted = set(columns)
        return [one for one in self.members if one.suffix == ".csv" and wanted <= set(self.columns(one))]

    def columns(self, member: Member) -> tuple[str, ...]:
        """The names of the columns of a CSV file, in small letters."""
        if member not in self._headers:
            try:
                start = _decoded(self.start(member, 20_000))[0]
            except TooMuch:
                start = ""
            line = next((line for line in start.splitlines() if line.strip()), "")
            self._headers[member] = tuple(_header(line, _delimiter(line)))
        return self._headers[member]

    # -- reading

    def start(self, member: Member, most: int) -> bytes:
        """The first *most* bytes. Raises `TooMuch`."""
        return self._some(member, most)

    def whole(self, member: Member, *, most: int = MOST_BYTES) -> bytes:
        """All bytes. Raises `TooMuch` for more than *most*, and for what cannot be read."""
        try:
            size = member.packed.file_size if member.packed else member.where.stat().st_size
        except OSError as error:
            raise TooMuch(f"cannot be read: {error.strerror}") from error
        if size > most:
            raise TooMuch(f"{size:,} bytes, more than the {most:,} that are read")
        if member.packed and size > DENSE_FROM and size > DENSEST * max(member.packed.compress_size, 1):
            raise TooMuch(f"{size:,} bytes packed into {member.packed.compress_size:,}, as no text is")
        given = self._some(member, most + 1)
        if len(given) > most or (member.packed and len(given) > size):
            raise TooMuch(f"more than {min(most, size):,} bytes come out of it")
        self._read += len(given)
        if self._read > MOST_IN_ALL:
            raise TooMuch("the archive unpacks to more than is read of one")
        return given

    def text(self, member: Member) -> str:
        """The text of a file, without control characters; told when it is in no Unicode encoding. Raises `TooMuch`."""
        text, is_guess = _decoded(self.whole(member))
        if is_guess:
            self.notes.append(
                note(member.name, "", "is not in UTF-8; read as Windows-1252", "look at letters with accents")
            )
        return _CONTROLS.sub("", text)

    def rows(self, member: Member) -> Iterator[tuple[int, Mapping[str, str]]]:
        """The rows of a CSV file by column, each with the line on which it ends. Raises `TooMuch`."""
        text = self.text(member)
        before = csv.field_size_limit(MOST_FIELD)
        try:
            delimiter = _delimiter(next((line for line in text.splitlines() if line.strip()), ""))
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            names: list[str] = []
            while True:
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    self.notes.append(
                        note(
                            f"{member.name}:{reader.line_num}",
                            "",
                            f"a row cannot be read: {error}",
                            "mend it",
                            lost=True,
                        )
                    )
                    continue
                if row is None:
                    return
                if not any(row):
                    continue
                if not names:
                    names = [name.strip().lower() for name in row]
                    continue
                yield reader.line_num, dict(zip(names, [*row, *[""] * len(names)], strict=False))
        finally:
            csv.field_size_limit(before)

    def _some(self, member: Member, most: int) -> bytes:
        try:
            if member.packed is None:
                with member.where.open("rb") as file:
                    return file.read(most)
            with self._zips[member.where].open(member.packed) as packed:
                return packed.read(most)
        except (
            OSError,
            EOFError,
            RuntimeError,  # among them NotImplementedError, for a way of packing that zipfile does not know
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            ValueError,
        ) as error:
            if "password" in str(error) or "encrypted" in str(error):
                raise TooMuch("is locked by a password; export it without") from error
            raise TooMuch(f"cannot be read: {error}") from error

    # -- taking in

    def _take(self, path: Path) -> None:
        if path.is_dir():
            self._take_folder(path)
        elif not path.is_file():
            raise UsageError(f"{path}: no such file or folder; name the export as it was downloaded")
        elif zipfile.is_zipfile(path):
            self._take_zip(path)
        elif path.suffix.lower() == ".zip":
            raise UsageError(f"{path}: is no whole zip; download the export again")
        else:
            self.members.append(Member(path.name, path, alone=True))

    def _take_folder(self, path: Path) -> None:
        root = path.resolve()
        for file in sorted(path.rglob("*")):
            name = _sayable(file.relative_to(path).as_posix())
            if _NOISE.search(name):
                continue
            if file.is_dir():
                if file.is_symlink():
                    self.notes.append(note(name, "", "is a link to a folder, so it was not followed", lost=True))
                continue
            if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(root):
                self.notes.append(note(name, "", "is a link that leads out of the folder", lost=True))
            elif not file.exists():
                self.notes.append(note(name, "", "is a link that leads nowhere", lost=True))
            elif not file.is_file():
                self.notes.append(note(name, "", "is no ordinary file", lost=True))
            else:
                self._add(Member(name, file))

    def _take_zip(self, path: Path) -> None:
        try:
            archive = self._stack.enter_context(zipfile.ZipFile(path))
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise UsageError(f"{path}: cannot be opened: {error}; download the export again") from error
        self._zips[path] = archive
        for info in archive.infolist():
            name = _sayable(info.filename.replace("\\", "/"))
            if info.is_dir() or _NOISE.search(name):
                continue
            if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
                self.notes.append(note(name, "", "leads out of the archive, so it was not read", lost=True))
            elif stat.S_ISLNK(info.external_attr >> 16):
                self.notes.append(note(name, "", "is a link, so it was not read", lost=True))
            else:
                self._add(Member(name, path, info))

    def _add(self, member: Member) -> None:
        if len(self.members) >= MOST_MEMBERS:
            raise UsageError(f"{member.where}: more than {MOST_MEMBERS:,} files; import it in parts")
        if member.name.count("/") > DEEPEST:
            what = f"lies in more than {DEEPEST} folders, one in the other"
            self.notes.append(note(f"{member.name[:60]}...", "", what, "move it up", lost=True))
            return
        self.members.append(member)


def _sayable(name: str) -> str:
    """*name* as any file can say it: control characters, and bytes that are no text, as numbers."""
    return _UNSAID.sub(lambda one: f"%{ord(one[0]) & 0xFF:02X}", name)


def _decoded(raw: bytes) -> tuple[str, bool]:
    """The text, and whether its encoding was guessed."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace"), False
    with suppress(UnicodeDecodeError):
        return raw.decode("utf-8-sig"), False
    # A cut in the middle of a letter, where only the start was read.
    if len(raw) > 4 and b"\xef" not in raw[:1]:
        for cut in range(1, 4):
            with suppress(UnicodeDecodeError):
                return raw[:-cut].decode("utf-8-sig"), False
    return raw.decode("cp1252", "replace"), True


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _header(line: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [name.strip().lower() for name in row]
