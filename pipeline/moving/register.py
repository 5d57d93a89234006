"""The lists of content/ that an import adds to: people, topics, and the imports themselves."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ContentError
from pipeline.files import put
from pipeline.library.files import IMPORTS, PEOPLE, TOPICS
from pipeline.library.frontmatter import Unreadable, parse, read_text
from pipeline.library.new import plain_words
from pipeline.library.schema import ID
from pipeline.model import Move

_HEAD: Final = """\
# Written by `opensignal import`: what was brought along from where, and how many articles each import brought.
# An article with `imported:` owes no citations, and no more of them may name an import than it brought. Do not edit.
"""


def scalar(text: str) -> str:
    """*text* as a value of YAML: bare where nothing in it could be misread, else in double quotes, as JSON has them."""
    if re.fullmatch(r"[A-Za-z][\w.,()/$%&!?’“”–—-]*(?: [\w.,()/$%&!?’“”–—-]+)*", text) and text.lower() not in (
        "null",
        "true",
        "false",
        "yes",
        "no",
    ):
        return text
    return json.dumps(text, ensure_ascii=False)


def id_for(name: str, taken: Iterable[str], *, otherwise: str) -> str:
    """An id made of *name* that is not *taken* yet."""
    made = ""
    for word in plain_words(name):
        if len(made) + len(word) > 36:
            break
        made = f"{made}-{word}" if made else word[:36]
    base = made if ID.fullmatch(made) else otherwise
    known, number, found = set(taken), 1, base
    while found in known:
        number += 1
        found = f"{base}-{number}"
    return found


def add_people(root: Path, people: Mapping[str, Mapping[str, str]]) -> None:
    """Add writers, by id, to content/people.yml."""
    _append(root, PEOPLE, people)


def add_topics(root: Path, topics: Mapping[str, Mapping[str, str]]) -> None:
    """Add topics, by id, to content/topics.yml."""
    _append(root, TOPICS, topics)


def write_moves(root: Path, moves: Iterable[Move]) -> None:
    """Let content/imports.yml tell of *moves*; one that brought nothing is none."""
    kept = sorted((move for move in moves if move.articles), key=lambda move: (move.on, move.service))
    text = _HEAD + "".join(
        f"- {{service: {m.service}, on: {m.on.isoformat()}, articles: {m.articles}}}\n" for m in kept
    )
    path = root / IMPORTS
    if kept and not (path.is_file() and path.read_text("utf-8") == text):
        put(path, text.encode())


def with_move(moves: Iterable[Move], service: str, on: dt.date, articles: int) -> list[Move]:
    """*moves*, of which the one from *service* on that day brought as many *articles*."""
    rest = [move for move in moves if (move.service, move.on) != (service, on)]
    return [*rest, Move(service, on, articles)]


def _append(root: Path, path: str, items: Mapping[str, Mapping[str, str]]) -> None:
    """Add items at the end of a list, of which every other letter stays. Raises `ContentError` where that cannot be."""
    if not items:
        return
    file = root / path
    try:
        before = read_text(file) if file.exists() else ""
        known = parse(before).data or []
        text = before if not before or before.endswith("\n") else f"{before}\n"
        for id_, fields in items.items():
            text += f"- id: {id_}\n" + "".join(f"  {key}: {scalar(value)}\n" for key, value in fields.items() if value)
        wanted: list[Any] = [
            *known,
            *({"id": id_, **{k: v for k, v in fields.items() if v}} for id_, fields in items.items()),
        ]
        if parse(text).data != wanted:
            raise ContentError(
                f"{path}: cannot be added to; write it as a list whose items begin with a hyphen in the first column"
            )
    except Unreadable as error:
        raise ContentError(f"{path}:{error.place.line}: {error.message}") from error
    put(file, text.encode())
