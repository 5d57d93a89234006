"""Changing a few words of a file that an editor wrote, and no other byte of it: line ends, a byte order mark, comments stay.

    TextFile.read | changed, set_value, append_item | write

YAML is changed where it stands, never written anew. What came out is read again, and refused unless it says what was there
before and the change: an odd way of writing costs the editor a line by hand, never a value.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ContentError, StoreError
from pipeline.files import put
from pipeline.library.frontmatter import Loc, Unreadable, decode, parse, read_bytes, split
from pipeline.library.yamltext import Node, appending, setting, tree

_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class TextFile:
    """A text file, as it was read and as it shall be. Offsets count in `text`, in which every line ends with ``\\n``."""

    path: Path
    original: bytes
    raw: str  # with the line ends of the file, without its byte order mark

    @classmethod
    def read(cls, path: Path) -> TextFile:
        """Raises `Unreadable`."""
        original = read_bytes(path)
        decode(original)  # says what is wrong with it
        return cls(path, original, original.removeprefix(_BOM).decode("utf-8"))

    @classmethod
    def to_change(cls, path: Path, *, name: str) -> TextFile:
        """As `read`, for a command that calls the file *name*. Raises `ContentError`."""
        try:
            return cls.read(path)
        except Unreadable as wrong:
            raise unreadable(name, wrong) from wrong

    @cached_property
    def text(self) -> str:
        return self.raw.replace("\r\n", "\n").replace("\r", "\n")

    @property
    def body_start(self) -> int:
        """Where the body of an article begins. Raises `Unreadable` where there is no front matter."""
        return len(self.text) - len(split(self.text)[1])

    @property
    def body(self) -> str:
        return self.text[self.body_start :]

    @property
    def bytes(self) -> bytes:
        return (_BOM if self.original.startswith(_BOM) else b"") + self.raw.encode()

    @property
    def is_changed(self) -> bool:
        return self.bytes != self.original

    def changed(self, start: int, end: int, words: str) -> TextFile:
        """The file with *words* in place of what stands from *start* to *end*."""
        found = _LINE_END.search(self.raw)
        words = words.replace("\n", found[0] if found else "\n")
        return TextFile(self.path, self.original, self.raw[: self._at(start)] + words + self.raw[self._at(end) :])

    def rewritten(self, text: str) -> TextFile:
        """The file with *text* instead of its own; only where they differ is anything changed, so line ends elsewhere stay."""
        start = _alike(self.text, text)
        rest = _alike(self.text[start:][::-1], text[start:][::-1])
        return self.changed(start, len(self.text) - rest, text[start : len(text) - rest])

    def write(self) -> None:
        """Put it in the place of the old one, whole or not at all. Raises `ContentError`."""
        path = self.path.resolve()  # a link stays a link
        try:
            if path.read_bytes() != self.original:
                raise ContentError(f"{self.path} was changed by someone else meanwhile; run the command again")
            put(path, self.bytes)
        except StoreError as error:
            raise ContentError(str(error)) from error
        except OSError as error:
            raise ContentError(f"{self.path} cannot be read: {error.strerror}; check its permissions") from error

    def _at(self, offset: int) -> int:
        """Where *offset* of `text` is in `raw`."""
        return offset + bisect_left(self._long_ends, offset)

    @cached_property
    def _long_ends(self) -> list[int]:
        """The offsets in `text` of line ends that are two characters in `raw`."""
        return [m.start() - number for number, m in enumerate(re.finditer("\r\n", self.raw))]


def _alike(one: str, other: str) -> int:
    """How many characters they begin with are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, yours) in pairs if mine != yours), min(len(one), len(other)))


# --- front matter ---------------------------------------------------------------------------------------------------------------


def set_value(file: TextFile, loc: Loc, value: str) -> TextFile:
    """*file*, an article, with *value* at *loc* of its front matter: ``("status",)``, ``("ai", "reviewed_by")``.

    Groups of keys on the way are made. Raises `ContentError` for front matter that cannot be read, or not be changed safely.
    """
    base, front, nodes = _front(file)
    change = setting(nodes, front, loc, value) if nodes else None
    if change is None:
        raise _refused(file, loc)
    start, end, words = change
    return _checked(file, file.changed(base + start, base + end, words), loc, value)


def append_item(file: TextFile, key: str, item: Mapping[str, str]) -> TextFile:
    """*file*, an article, with *item* at the end of the list *key* of its front matter; the list is made where there is none.

    Raises as `set_value` does.
    """
    base, front, nodes = _front(file)
    change = appending(nodes, front, key, item) if nodes else None
    if change is None:
        raise _refused(file, (key,))
    start, end, words = change
    return _checked(file, file.changed(base + start, base + end, words), (key,), item)


def _front(file: TextFile) -> tuple[int, str, Node | None]:
    """Where the front matter begins, what it says, and where what stands in it. Raises `ContentError`."""
    try:
        front = split(file.text)[0]
        data = parse(front, first_line=2).data
    except Unreadable as wrong:
        raise unreadable(file.path, wrong) from wrong
    if not isinstance(data, dict):
        raise ContentError(f"{file.path}:2: the front matter holds no keys; write it as title: ...")
    return file.text.index("\n") + 1, front, tree(front)


def _checked(before: TextFile, after: TextFile, loc: Loc, value: Any) -> TextFile:
    """*after*, if it says what *before* says but for *value* at *loc* and has the same body."""
    wanted = _with(parse(split(before.text)[0], first_line=2).data, loc, value)
    try:
        is_right = parse(split(after.text)[0], first_line=2).data == wanted and after.body == before.body
    except Unreadable:
        is_right = False
    if not is_right:
        raise _refused(before, loc)
    return after


def _refused(file: TextFile, loc: Loc) -> ContentError:
    line = parse(split(file.text)[0], first_line=2).key_place(loc).line
    name = ".".join(str(part) for part in loc)
    return ContentError(
        f"{file.path}:{line}: the front matter is written so that it cannot be changed; set {name} by hand"
    )


def unreadable(path: Path | str, wrong: Unreadable) -> ContentError:
    """What is *wrong* with the file *path*, for who runs a command."""
    return ContentError(f"{path}:{wrong.place.line}:{wrong.place.column} {wrong.message}")


def _with(data: Any, loc: Loc, value: Any) -> Any:
    """*data* with *value* at *loc*, a mapping as the last item of a list there; as it is where *loc* leads to something else."""
    if not loc:
        return [*(data or []), dict(value)] if isinstance(value, Mapping) and isinstance(data, list | None) else value
    if not isinstance(data, dict | None):
        return data
    inner = (data or {}).get(loc[0])
    return {**(data or {}), loc[0]: _with(inner, loc[1:], value)}
