"""Where things stand in a YAML text, so that a value is changed in its place and every other character stays as it was.

    tree | setting, appending | the change: from where to where, and what comes there

Nothing is written anew. Whoever makes a change reads what came out, and refuses it unless it says what was there before and the
change (`editing`, `sourcefile`, `ingest.moves`, `ingest.opml`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

from pipeline.library.frontmatter import Loc

_PLAIN: Final = re.compile(r"[A-Za-z0-9](?:[\w.()/$%€£+°–—’“”-]|[ ,](?=\S))*")  # words that YAML cannot misread
_PLAIN_IN_BRACKETS: Final = re.compile(r"[A-Za-z0-9](?:[\w.()/$%-]|[ ](?=\S))*")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9:/._~%?&=+-]+")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_COMMENT: Final = re.compile(r"(?m)(?:^|(?<= ))(?=#)")  # where one may begin
_BLOCK_HEADER: Final = re.compile(r"[|>][0-9+-]* +(?=#)")


@dataclass
class Node:
    """A value, from where to where it stands, and what is in it."""

    start: int
    end: int  # of the last thing in it
    column: int
    flow: bool = False  # in brackets
    value: str | None = None  # of a scalar
    keys: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    kind: str = "scalar"  # or map, list

    @property
    def is_nothing(self) -> bool:
        return self.kind == "scalar" and self.value in _NOTHING

    @property
    def children(self) -> Iterable[Node]:
        return self.keys.values() if self.kind == "map" else self.items


def tree(text: str) -> Node | None:
    """The nodes of YAML that `frontmatter.parse` can read; None where it is empty, or the two parsers do not agree."""
    try:  # the parser in Python: its marks count characters, and it is the stricter one
        events = iter(list(yaml.parse(text, Loader=yaml.BaseLoader)))
    except yaml.YAMLError:
        return None
    return next((_node(event, events, text) for event in events if isinstance(event, yaml.NodeEvent)), None)


def document_end(text: str) -> int:
    """Where something can be added below all that *text* says: before a line of ``...``, or at its end."""
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.DocumentEndEvent) and event.explicit:
            mark: Any = event.start_mark
            return int(mark.index)
    return len(text)


def address(url: str) -> str:
    """*url* as YAML, also in brackets."""
    return url if _ADDRESS.fullmatch(url) else json.dumps(url)


@dataclass(frozen=True)
class Comment:
    """A comment of an editor."""

    at: int
    words: str  # from its hash sign
    is_alone: bool  # on its line


def comments(text: str) -> tuple[Comment, ...]:
    """The comments in *text*: what begins with a hash sign and belongs to no value; none where `tree` cannot read it."""
    try:
        events = [event for event in yaml.parse(text, Loader=yaml.BaseLoader) if isinstance(event, yaml.ScalarEvent)]
    except yaml.YAMLError:
        return ()
    taken = []  # from where to where no comment can begin
    for event in events:
        start: Any = event.start_mark
        end: Any = event.end_mark
        # A comment may stand behind the sign of a block of lines, which begins below.
        has_header = event.style in ("|", ">") and _BLOCK_HEADER.match(text, start.index)
        taken.append((_line_end(text, start.index) if has_header else start.index, end.index))
    found: list[Comment] = []
    for match in _COMMENT.finditer(text):
        at = match.start()
        if any(start <= at < end for start, end in taken):
            continue
        words = text[at : _line_end(text, at)]
        taken.append((at, at + len(words)))
        found.append(Comment(at, words.rstrip(), not _line_until(text, at).strip()))
    return tuple(found)


def _line_until(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 : at]


def _node(event: Any, events: Any, text: str) -> Node:
    mark: Any = event.start_mark
    node = Node(mark.index, event.end_mark.index, mark.column)
    if isinstance(event, yaml.ScalarEvent):
        # A quoted "" or "null" is a text; a block scalar ends behind its line.
        node.value = event.value if event.implicit[0] else f"'{event.value}"
        node.end = node.start + len(text[node.start : node.end].rstrip())
        return node
    node.flow = bool(event.flow_style)
    node.kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
    for one in events:
        if isinstance(one, yaml.CollectionEndEvent):
            mark = one.end_mark
            break
        if node.kind == "map":
            node.keys[one.value] = _node(next(events), events, text)
        else:
            node.items.append(_node(one, events, text))
    last = max((child.end for child in node.children), default=node.end)
    node.end = mark.index if node.flow else last
    return node


Change: TypeAlias = tuple[int, int, str]  # from where to where, and what comes there


def setting(root: Node, text: str, loc: Loc, value: str) -> Change | None:
    """The change that puts *value* at *loc*, and makes the groups of keys on the way; None where something else stands there."""
    inside = node = root
    for depth, part in enumerate(loc):
        if part not in node.keys:
            return _added(node, text, loc[depth:], value)
        inside, node = node, node.keys[str(part)]
        if node.is_nothing and depth + 1 < len(loc):
            return _filled(inside, node, text, loc[depth + 1 :], value)
        if node.kind != ("map" if depth + 1 < len(loc) else "scalar"):
            return None
    space = " " if node.start == node.end and text[node.start - 1 : node.start] == ":" else ""
    return node.start, node.end, space + _scalar(value, in_brackets=inside.flow)


def _added(node: Node, text: str, loc: Loc, value: str) -> Change:
    """A key that is not there yet, at the end of *node*."""
    if node.flow:
        return _in_brackets(node, text, _flow_pair(loc, value))
    at = _line_end(text, node.end)
    return at, at, "\n" + _block_pair(loc, value, column=node.column)


def _filled(inside: Node, node: Node, text: str, loc: Loc, value: str) -> Change:
    """Keys below one that has none."""
    if inside.flow:
        space = " " if text[node.start - 1 : node.start] == ":" else ""
        return node.start, node.end, f"{space}{{{_flow_pair(loc, value)}}}"
    at = node.start if node.end > node.start else _line_end(text, node.end)
    return at, node.end if node.end > node.start else at, "\n" + _block_pair(loc, value, column=inside.column + 2)


def appending(root: Node, text: str, key: str, item: Mapping[str, str]) -> Change | None:
    """The change that adds *item* to the list *key*, and makes the list where there is none; None where it is no list."""
    node = root.keys.get(key)
    pairs = ", ".join(_flow_pair((name,), value) for name, value in item.items())
    if node is not None and node.kind == "list":
        if node.flow:
            return _in_brackets(node, text, f"{{{pairs}}}")
        at = _line_end(text, node.end)
        return at, at, "\n" + _block_item(item, column=node.column)
    if node is not None and not node.is_nothing:
        return None
    if root.flow:
        return _in_brackets(root, text, f"{key}: [{{{pairs}}}]")
    if node is None:
        at = _line_end(text, root.end)
        return at, at, f"\n{' ' * root.column}{key}:\n{_block_item(item, column=root.column + 2)}"
    at = node.start if node.end > node.start else _line_end(text, node.end)
    return at, max(at, node.end), "\n" + _block_item(item, column=root.column + 2)


def _in_brackets(node: Node, text: str, words: str) -> Change:
    """*words* as the last thing in the brackets of *node*."""
    last = max((child.end for child in node.children), default=None)
    if last is None:
        return node.end - 1, node.end - 1, words
    if re.match(r"\s*,", text[last:]):
        return node.end - 1, node.end - 1, f" {words}"
    return last, last, f", {words}"


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


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


def _scalar(words: str, *, in_brackets: bool = False) -> str:
    """*words* as YAML: plain where it cannot be misread, else in double quotes (JSON's are YAML's)."""
    plain = _PLAIN_IN_BRACKETS if in_brackets else _PLAIN
    if _MOMENT.fullmatch(words) or (plain.fullmatch(words) and words not in _NOTHING):
        return words
    return json.dumps(words, ensure_ascii=False)
