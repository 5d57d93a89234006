"""Changing a few words of a file that an editor wrote, and no other byte of it: line ends, a byte order mark, comments stay.

    TextFile.read | changed, set_value, append_item | write

YAML is changed where it stands, never written anew. What came out is read again, and refused unless it says what was there
before and the change: an odd way of writing costs the editor a line by hand, never a value.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from pipeline.errors import ContentError
from pipeline.library.frontmatter import Loc, Unreadable, decode, parse, read_bytes, split

_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PLAIN: Final = re.compile(r"[A-Za-z0-9](?:[\w.()/$%€£+°–—’“”-]|[ ,](?=\S))*")  # words that YAML cannot misread
_PLAIN_IN_BRACKETS: Final = re.compile(r"[A-Za-z0-9](?:[\w.()/$%-]|[ ](?=\S))*")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})


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

    def write(self) -> None:
        """Put it in the place of the old one, whole or not at all. Raises `ContentError`."""
        path = self.path.resolve()  # a link stays a link
        try:
            if path.read_bytes() != self.original:
                raise ContentError(f"{self.path} was changed by someone else meanwhile; run the command again")
            _replace(path, self.bytes)
        except OSError as error:
            raise ContentError(f"{self.path} cannot be written: {error.strerror}; check its permissions") from error

    def _at(self, offset: int) -> int:
        """Where *offset* of `text` is in `raw`."""
        return offset + bisect_left(self._long_ends, offset)

    @cached_property
    def _long_ends(self) -> list[int]:
        """The offsets in `text` of line ends that are two characters in `raw`."""
        return [m.start() - number for number, m in enumerate(re.finditer("\r\n", self.raw))]


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


# --- front matter ---------------------------------------------------------------------------------------------------------------


def set_value(file: TextFile, loc: Loc, value: str) -> TextFile:
    """*file*, an article, with *value* at *loc* of its front matter: ``("status",)``, ``("ai", "reviewed_by")``.

    Groups of keys on the way are made. Raises `Unreadable` for front matter that cannot be read, and `ContentError` for such as
    cannot be changed safely.
    """
    base, front = _front(file)
    tree = _tree(front)
    change = _setting(tree, front, loc, value) if tree else None
    if change is None:
        raise _refused(file, loc)
    start, end, words = change
    return _checked(file, file.changed(base + start, base + end, words), loc, value)


def append_item(file: TextFile, key: str, item: Mapping[str, str]) -> TextFile:
    """*file*, an article, with *item* at the end of the list *key* of its front matter; the list is made where there is none.

    Raises as `set_value` does.
    """
    base, front = _front(file)
    tree = _tree(front)
    change = _appending(tree, front, key, item) if tree else None
    if change is None:
        raise _refused(file, (key,))
    start, end, words = change
    return _checked(file, file.changed(base + start, base + end, words), (key,), item)


def _front(file: TextFile) -> tuple[int, str]:
    """Where the front matter begins, and what it says."""
    front = split(file.text)[0]
    return file.text.index("\n") + 1, front


def _checked(before: TextFile, after: TextFile, loc: Loc, value: Any) -> TextFile:
    """*after*, if it says what *before* says but for *value* at *loc* and has the same body."""
    wanted = _with(parse(_front(before)[1], first_line=2).data, loc, value)
    try:
        is_right = parse(_front(after)[1], first_line=2).data == wanted and after.body == before.body
    except Unreadable:
        is_right = False
    if not is_right:
        raise _refused(before, loc)
    return after


def _refused(file: TextFile, loc: Loc) -> ContentError:
    name = ".".join(str(part) for part in loc)
    return ContentError(f"{file.path}: the front matter is written so that it cannot be changed; set {name} by hand")


def _with(data: Any, loc: Loc, value: Any) -> Any:
    """*data* with *value* at *loc*, a mapping as the last item of a list there; as it is where *loc* leads to something else."""
    if not loc:
        return [*(data or []), dict(value)] if isinstance(value, Mapping) and isinstance(data, list | None) else value
    if not isinstance(data, dict | None):
        return data
    inner = (data or {}).get(loc[0])
    return {**(data or {}), loc[0]: _with(inner, loc[1:], value)}


# --- where things stand in YAML -------------------------------------------------------------------------------------------------


@dataclass
class _Node:
    """A value, from where to where it stands, and what is in it."""

    start: int
    end: int  # of the last thing in it
    column: int
    flow: bool = False  # in brackets
    value: str | None = None  # of a scalar
    keys: dict[str, _Node] = field(default_factory=dict)
    items: list[_Node] = field(default_factory=list)
    kind: str = "scalar"  # or map, list

    @property
    def is_nothing(self) -> bool:
        return self.kind == "scalar" and self.value in _NOTHING

    @property
    def children(self) -> Iterable[_Node]:
        return self.keys.values() if self.kind == "map" else self.items


def _tree(front: str) -> _Node | None:
    """The nodes of YAML that `parse` can read; None where the two parsers do not agree. Raises `Unreadable` where it cannot."""
    data = parse(front, first_line=2).data
    if not isinstance(data, dict):
        raise Unreadable("S001", "the front matter holds no keys; write it as title: ...")
    try:  # the parser in Python: its marks count characters, and it is the stricter one
        events = iter(list(yaml.parse(front, Loader=yaml.BaseLoader)))
    except yaml.YAMLError:
        return None
    return next((_node(event, events, front) for event in events if isinstance(event, yaml.NodeEvent)), None)


def _node(event: Any, events: Any, front: str) -> _Node:
    mark: Any = event.start_mark
    node = _Node(mark.index, event.end_mark.index, mark.column)
    if isinstance(event, yaml.ScalarEvent):
        # A quoted "" or "null" is a text; a block scalar ends behind its line.
        node.value = event.value if event.implicit[0] else f"'{event.value}"
        node.end = node.start + len(front[node.start : node.end].rstrip())
        return node
    node.flow = bool(event.flow_style)
    node.kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
    for one in events:
        if isinstance(one, yaml.CollectionEndEvent):
            mark = one.end_mark
            break
        if node.kind == "map":
            node.keys[one.value] = _node(next(events), events, front)
        else:
            node.items.append(_node(one, events, front))
    last = max((child.end for child in node.children), default=node.end)
    node.end = mark.index if node.flow else last
    return node


_Change: TypeAlias = tuple[int, int, str]  # from where to where, and what comes there


def _setting(root: _Node, front: str, loc: Loc, value: str) -> _Change | None:
    inside = node = root
    for depth, part in enumerate(loc):
        if part not in node.keys:
            return _added(node, front, loc[depth:], value)
        inside, node = node, node.keys[str(part)]
        if node.is_nothing and depth + 1 < len(loc):
            return _filled(inside, node, front, loc[depth + 1 :], value)
        if node.kind != ("map" if depth + 1 < len(loc) else "scalar"):
            return None
    space = " " if node.start == node.end and front[node.start - 1 : node.start] == ":" else ""
    return node.start, node.end, space + _scalar(value, in_brackets=inside.flow)


def _added(node: _Node, front: str, loc: Loc, value: str) -> _Change:
    """A key that is not there yet, at the end of *node*."""
    if node.flow:
        return _in_brackets(node, front, _flow_pair(loc, value))
    at = _line_end(front, node.end)
    return at, at, "\n" + _block_pair(loc, value, column=node.column)


def _filled(inside: _Node, node: _Node, front: str, loc: Loc, value: str) -> _Change:
    """Keys below one that has none."""
    if inside.flow:
        space = " " if front[node.start - 1 : node.start] == ":" else ""
        return node.start, node.end, f"{space}{{{_flow_pair(loc, value)}}}"
    at = node.start if node.end > node.start else _line_end(front, node.end)
    return at, node.end if node.end > node.start else at, "\n" + _block_pair(loc, value, column=inside.column + 2)


def _appending(root: _Node, front: str, key: str, item: Mapping[str, str]) -> _Change | None:
    node = root.keys.get(key)
    pairs = ", ".join(_flow_pair((name,), value) for name, value in item.items())
    if node is not None and node.kind == "list":
        if node.flow:
            return _in_brackets(node, front, f"{{{pairs}}}")
        at = _line_end(front, node.end)
        return at, at, "\n" + _block_item(item, column=node.column)
    if node is not None and not node.is_nothing:
        return None
    if root.flow:
        return _in_brackets(root, front, f"{key}: [{{{pairs}}}]")
    if node is None:
        at = _line_end(front, root.end)
        return at, at, f"\n{' ' * root.column}{key}:\n{_block_item(item, column=root.column + 2)}"
    at = node.start if node.end > node.start else _line_end(front, node.end)
    return at, max(at, node.end), "\n" + _block_item(item, column=root.column + 2)


def _in_brackets(node: _Node, front: str, words: str) -> _Change:
    """*words* as the last thing in the brackets of *node*."""
    last = max((child.end for child in node.children), default=None)
    if last is None:
        return node.end - 1, node.end - 1, words
    if re.match(r"\s*,", front[last:]):
        return node.end - 1, node.end - 1, f" {words}"
    return last, last, f", {words}"


def _line_end(front: str, at: int) -> int:
    found = front.find("\n", at)
    return len(front) if found < 0 else found


def _block_pair(loc: Loc, value: str, *, column: int) -> str:
    lines = [f"{' ' * (column + 2 * depth)}{part}:" for depth, part in enumerate(loc)]
    return "\n".join(lines) + f" {_scalar(value)}"


def _block_item(item: Mapping[str, str], *, column: int) -> str:
    lines = [f"{name}: {_scalar(value)}" for name, value in item.items()]
    return "\n".join(f"{' ' * column}{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines))


def _flow_pair(loc: Loc, value: str) -> str:
    inner = _scalar(value, in_brackets=True)
    for part in reversed(loc[1:]):
        inner = f"{{{part}: {inner}}}"
    return f"{loc[0]}: {inner}"


def _scalar(text: str, *, in_brackets: bool = False) -> str:
    """*text* as YAML: plain where it cannot be misread, else in double quotes (JSON's are YAML's)."""
    plain = _PLAIN_IN_BRACKETS if in_brackets else _PLAIN
    if _MOMENT.fullmatch(text) or (plain.fullmatch(text) and text not in _NOTHING):
        return text
    return json.dumps(text, ensure_ascii=False)
