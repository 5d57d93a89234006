"""Reading the files that editors write: bytes to text, and YAML to plain data in which every key and value knows its place.

YAML is read in a small and safe form. A scalar stays the text that was typed: ``no`` is not false, ``2026-11-23`` is not
yet a date, ``1.50`` keeps its zero; `schema` decides what a text means. A key given twice, a tab, an anchor, an alias or a tag
is refused, and so is anything nested deeper than `MAX_DEPTH`. An empty value (``key:``, ``~``, ``null``) counts as not given.

What is wrong is raised as `Unreadable`, which carries a code, a place and what to do next; `load_library` turns it into a problem.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

from pipeline.printable import NONCHARACTERS

MAX_BYTES: Final = 2_000_000  # of one file; the longest book fits
MAX_DEPTH: Final = 20
FENCE: Final = "---"

# The parser of libyaml where it is built in: ten times as fast, same events.
_Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_EMPTY: Final = frozenset({"", "~", "null", "Null", "NULL"})
_STRING_TAGS: Final = frozenset({None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
# What neither YAML 1.2 (5.1) nor XML 1.0 (2.2) can hold or should, and the line breaks that editors do not show as such.
_FORBIDDEN: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{NONCHARACTERS}]")
_HINTS: Final = (
    ("mapping values are not allowed", "put the value in double quotes if it holds a colon, or mend the indentation"),
    ("cannot start any token", "put the value in double quotes: it begins with a character that YAML keeps for itself"),
    ("unexpected end of stream", "close the quotation mark or bracket that is opened here"),
    ("unknown escape character", "write two backslashes, or use single quotes"),
    ("could not find expected ':'", "write it as key: value"),
    ("did not find expected key", "mend the indentation, or put the value in double quotes"),
    ("did not find expected ',' or", "close the bracket that is opened here"),
    ("expected '-' indicator", "begin each item of the list with a hyphen in the same column"),
)

Loc: TypeAlias = tuple[str | int, ...]


class Place(NamedTuple):
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


TOP: Final = Place(1, 1)


class Unreadable(Exception):
    """A file that says nothing we could use: *code* and *message* tell what and what next, *place* where."""

    def __init__(self, code: str, message: str, place: Place = TOP) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place


@dataclass(frozen=True)
class Document:
    """Plain data (dicts, lists, texts) and the place of each key and value of it, by path: ``("email", "subject")``."""

    data: Any
    values: Mapping[Loc, Place]
    keys: Mapping[Loc, Place] = field(default_factory=dict)

    def value_place(self, loc: Loc) -> Place:
        """Where the value at *loc* begins; of a value that is not there, where the nearest thing around it begins."""
        while loc not in self.values:
            loc = loc[:-1]
        return self.values[loc]

    def key_place(self, loc: Loc) -> Place:
        """Where the key at *loc* begins."""
        return self.keys.get(loc) or self.value_place(loc)


# --- files --------------------------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The text of the file at *path*, without byte order mark and with ``\\n`` line ends. Raises `Unreadable`."""
    return decode(read_bytes(path))


def read_bytes(path: Path, *, most: int = MAX_BYTES) -> bytes:
    """What the file at *path* holds, if it is an ordinary one of at most *most* bytes. Raises `Unreadable`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():  # a pipe or a device would never end
            raise Unreadable("S005", "this is no ordinary file; replace it by one")
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except IsADirectoryError as error:
        raise Unreadable("S005", "this is a folder; a file of this name is expected") from error
    except FileNotFoundError as error:
        raise Unreadable("S005", "there is no such file; add it, or mend the link that leads to it") from error
    except OSError as error:
        raise Unreadable("S005", f"cannot be read: {error.strerror or error}; check the file's permissions") from error
    if len(raw) > most:
        raise Unreadable("S005", f"is longer than {most:,} bytes; split the file")
    return raw


def decode(raw: bytes) -> str:
    """The text of a file, without byte order mark and with ``\\n`` line ends. Raises `Unreadable`."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        raise Unreadable(
            "S005",
            f"byte 0x{raw[error.start]:02X} is not UTF-8; save the file in the encoding UTF-8",
            _place_after(before),
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _FORBIDDEN.search(text):
        raise Unreadable(
            "S005",
            f"the character U+{ord(found[0]):04X} cannot be published; delete it",
            _place_after(text[: found.start()]),
        )
    return text


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


def split(text: str) -> tuple[str, str, int]:
    """Part an article's *text* into front matter, body, and the line on which the body begins. Raises `Unreadable`."""
    if not text.strip():
        raise Unreadable("S001", "the file is empty; begin it with front matter between two lines of ---")
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        raise Unreadable("S001", "no front matter; the first line must be ---")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    raise Unreadable("S001", "the front matter is not closed; put a line of --- below it")


# --- YAML -----------------------------------------------------------------------------------------------------------------------


def parse(text: str, *, first_line: int = 1) -> Document:
    """Read the YAML in *text*, which begins on line *first_line* of its file. Raises `Unreadable` (S002)."""
    if (tab := text.find("\t")) >= 0:
        place = _place_after(text[:tab])
        raise _refused("a tab; use spaces", Place(place.line + first_line - 1, place.column))
    builder = _Builder(first_line)
    try:
        return builder.document(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        message = _explained(error)
        opened = error.context_mark if message.endswith("opened here") else None
        raise _refused(message, builder.place(opened or error.problem_mark or error.context_mark)) from error
    except yaml.YAMLError as error:
        raise _refused(f"{error}; mend the file", Place(first_line, 1)) from error


def _refused(message: str, place: Place) -> Unreadable:
    return Unreadable("S002", f"not the YAML that we read: {message}", place)


def _explained(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "cannot be read"
    hint = next((hint for words, hint in _HINTS if words in problem), "mend the line")
    context = f" {error.context}" if error.context and error.context != problem else ""
    return f"{problem}{context}; {hint}"


class _Builder:
    """Builds data from parser events. It does not recurse into libyaml's composer, which nested brackets can crash."""

    def __init__(self, first_line: int) -> None:
        self._above = first_line
        self._values: dict[Loc, Place] = {}
        self._keys: dict[Loc, Place] = {}

    def place(self, mark: Any) -> Place:
        return Place(mark.line + self._above, mark.column + 1) if mark else Place(self._above, 1)

    def document(self, events: Iterator[Any]) -> Document:
        data: Any = None
        self._values[()] = Place(self._above, 1)
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _refused("a second document begins; keep one in a file", self.place(event.start_mark))
            elif isinstance(event, yaml.NodeEvent):
                data = self._node(event, events, ())
        return Document(data, self._values, self._keys)

    def _node(self, event: Any, events: Iterator[Any], loc: Loc) -> Any:
        place = self._values[loc] = self.place(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise _refused(f"an alias (*{event.anchor}); write the value out, or quote it if it is text", place)
        if event.anchor is not None:
            raise _refused(f"an anchor (&{event.anchor}); leave it out, or quote the value if it is text", place)
        if event.tag not in _STRING_TAGS:
            raise _refused(f"a tag ({event.tag}); leave it out, or quote the value if it is text", place)
        if len(loc) > MAX_DEPTH:
            raise _refused(f"nested deeper than {MAX_DEPTH} levels; write it flatter", place)
        if isinstance(event, yaml.ScalarEvent):
            return None if event.implicit[0] and event.value in _EMPTY else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, loc)
        return self._mapping(events, loc)

    def _list(self, events: Iterator[Any], loc: Loc) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, (*loc, len(items))))
        return items

    def _mapping(self, events: Iterator[Any], loc: Loc) -> dict[str, Any]:
        items: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            place = self.place(event.start_mark)
            if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag not in _STRING_TAGS:
                raise _refused("a key that is not plain text; write it as key: value", place)
            key = (*loc, event.value)
            if key in self._keys:
                raise _refused(
                    f'the key "{event.value}" stands here a second time (first on line {self._keys[key].line}); keep one',
                    place,
                )
            self._keys[key] = place
            value = self._node(next(events), events, key)
            if value is not None:
                items[event.value] = value
        return items
