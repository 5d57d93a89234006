"""The file of a source as a machine writes it, and changes to one that an editor wrote: all else stays, comments among it.

A change is made in the text, at the lines of the key it concerns, and is then read again: where anything else would have changed,
it is refused, and the editor is told what to write.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipeline.errors import ContentError
from pipeline.library.editing import TextFile, unreadable
from pipeline.library.frontmatter import Document, Unreadable, parse
from pipeline.library.yamltext import comments
from pipeline.model import Snapshot, Source

Value: TypeAlias = "str | Sequence[Value] | Mapping[str, Value]"

# The order in which keys are written.
KEYS: Final = (
    "id",
    "type",
    "title",
    "author",
    "publisher",
    "container",
    "issued",
    "accessed",
    "url",
    "doi",
    "tier",
    "via",
    "supersedes",
    "superseded_by",
    "licence",
    "redistribute",
    "sample",
    "status",
    "status_at",
    "archive",
    "snapshot",
    "quotes",
    "facts",
    "note",
)


def write_source(values: Mapping[str, Value]) -> str:
    """The text of a new file with *values*, which are as in YAML: texts, lists and groups of keys."""
    assert set(values) <= set(KEYS), set(values) - set(KEYS)
    return "".join(_entry(key, values[key]) for key in KEYS if key in values)


def snapshot_values(snapshot: Snapshot) -> dict[str, Value]:
    """*snapshot* as it stands in a file."""
    return {
        "sha256": snapshot.sha256,
        "text_sha256": snapshot.text_sha256,
        "at": f"{snapshot.at:%Y-%m-%dT%H:%M:%SZ}",
        "tool": snapshot.tool,
        "bytes": str(snapshot.bytes),
    }


def change(source: Source, changes: Mapping[str, Value], *, root: Path) -> None:
    """Set the keys of *changes* in the file of *source*. Raises `ContentError` where that cannot be done."""
    file = TextFile.to_change(root / source.path, name=source.path)
    file.rewritten(set_values(file.text, changes, path=source.path)).write()


def set_values(text: str, changes: Mapping[str, Value], *, path: str) -> str:
    """*text* of the file *path* with the keys of *changes* set. Raises `ContentError` where that would change something else."""
    for key, value in changes.items():
        text = _set(text, key, value, path=path)
    return text


def add_below(text: str, key: str, name: str, value: Value, *, path: str) -> str:
    """*text* of the file *path* with *name* added to the group *key*, as in ``quotes:``. Raises `ContentError` as `set_values`."""
    document = _read(text, path)
    group = document.data.get(key)
    if not group:
        return set_values(text, {key: {name: value}}, path=path)
    assert name not in group, name
    wanted = {**document.data, key: {**group, name: value}}
    first = document.keys[(key, next(iter(group)))]
    if first.line == document.keys[(key,)].line or _begins_flow(text, document, key):
        return _set(text, key, {**group, name: value}, path=path)
    lines = text.splitlines()
    _, end = _block(lines, document, key)
    lines[end:end] = _entry(name, value, indent=first.column - 1).splitlines()
    return _checked(text, "\n".join(lines) + "\n", wanted, key, path=path)


def _set(text: str, key: str, value: Value, *, path: str) -> str:
    document = _read(text, path)
    wanted = {**document.data, key: value}
    lines = text.splitlines()
    if (key,) in document.keys:
        start, end = _block(lines, document, key)
        lines[start:end] = _with_comments(_entry(key, value).splitlines(), key, _said(text, document, key, start, end))
    else:
        at = _place_for(lines, document, key)
        lines[at:at] = _entry(key, value).splitlines()
    return _checked(text, "\n".join(lines) + "\n", wanted, key, path=path)


# A comment, the key below that it belongs to if there is one, and whether it stands alone on its line.
_Said: TypeAlias = "tuple[str, str | None, bool]"


def _said(text: str, document: Document, key: str, start: int, end: int) -> list[_Said]:
    """The comments on the lines from *start* to *end*, which are those of *key*."""
    below = sorted(
        (place.line - 1, str(loc[1])) for loc, place in document.keys.items() if loc[:1] == (key,) and len(loc) == 2
    )
    said: list[_Said] = []
    for comment in comments(text):
        line = text.count("\n", 0, comment.at)
        if not start <= line < end:
            continue
        if comment.is_alone:
            name = next((name for at, name in below if at > line), None)
        else:
            name = next((name for at, name in reversed(below) if at <= line), None)
        said.append((comment.words, name, comment.is_alone))
    return said


def _with_comments(entry: list[str], key: str, said: list[_Said]) -> list[str]:
    """The lines of the new *entry* of *key* with the comments of the old one: above and behind the keys that they belonged to, and
    those of keys that are gone above all of it."""
    above: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    names = {line.split(":")[0].strip() for line in entry[1:] if line[:3].strip()}
    for words, name, is_alone in said:
        place = name if name in names else key
        into = above if is_alone or place != (name or key) else behind
        into.setdefault(place, []).append(words)
    lines = []
    for number, line in enumerate(entry):
        name = line.split(":")[0].strip()
        if number == 0 or line[:3].strip():
            margin = line[: len(line) - len(line.lstrip())]
            lines += [f"{margin}{words}" for words in above.get(name, ())]
            lines.append("  ".join([line, *behind.get(name, ())]))
        else:
            lines.append(line)
    return lines


def _read(text: str, path: str) -> Document:
    try:
        document = parse(text)
    except Unreadable as wrong:
        raise unreadable(path, wrong) from wrong
    if not isinstance(document.data, dict):
        raise ContentError(f"{path}: this is no source; begin it with id:, url:, publisher: and tier:")
    return document


def _checked(before: str, text: str, wanted: Mapping[str, Any], key: str, *, path: str) -> str:
    """*text*, if it says *wanted* and nothing else, and no comment of *before* is gone."""
    try:
        is_right = parse(text).data == _plain(wanted)
    except Unreadable:
        is_right = False
    if not is_right or Counter(one.words for one in comments(before)) != Counter(one.words for one in comments(text)):
        written = _entry(key, wanted[key]).rstrip()
        line = parse(before).key_place((key,)).line
        raise ContentError(
            f"{path}:{line}: {key}: cannot be changed without changing more; write it by hand as\n{written}"
        )
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value if isinstance(value, str) else [_plain(item) for item in value]


def _block(lines: list[str], document: Document, key: str) -> tuple[int, int]:
    """The lines of *key* and what belongs to it, from and to (exclusive), counted from 0."""
    start = document.keys[(key,)].line - 1
    others = sorted(place.line - 1 for loc, place in document.keys.items() if len(loc) == 1)
    end = next((line for line in others if line > start), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith(("#", "..."))):
        end -= 1  # what stands before the next key at the margin belongs to that
    return start, end


def _place_for(lines: list[str], document: Document, key: str) -> int:
    """The line before which a new *key* is written: behind those that come before it."""
    before = KEYS[: KEYS.index(key)]
    blocks = [_block(lines, document, known) for known in before if (known,) in document.keys]
    return max((end for _, end in blocks), default=0) if blocks else len(lines)


def _begins_flow(text: str, document: Document, key: str) -> bool:
    place = document.values[(key,)]
    return text.splitlines()[place.line - 1][place.column - 1 :].startswith(("{", "["))


# --- YAML -------------------------------------------------------------------------------------------------------------------


def _entry(key: str, value: Value, *, indent: int = 0) -> str:
    margin = " " * indent
    if isinstance(value, str):
        return f"{margin}{key}: {_scalar(value)}\n"
    if isinstance(value, Mapping):
        below = "".join(_entry(name, item, indent=indent + 2) for name, item in value.items())
        return f"{margin}{key}:\n{below}"
    items = ", ".join(_flow(item) for item in value)
    return f"{margin}{key}: [{items}]\n"


def _flow(value: Value) -> str:
    if isinstance(value, str):
        return _scalar(value, flow=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(item)}" for name, item in value.items()) + "}"
    return "[" + ", ".join(_flow(item) for item in value) + "]"


def _scalar(text: str, *, flow: bool = False) -> str:
    """*text* as it is where YAML reads it as that, else in double quotes: what JSON writes, YAML reads."""
    try:
        as_it_is = f"[{text}]" if flow else text
        is_plain = parse(f"key: {as_it_is}\n").data == {"key": [text] if flow else text}
    except Unreadable:
        is_plain = False
    return text if is_plain and not text.startswith(("-", "?", ":")) else json.dumps(text, ensure_ascii=False)
