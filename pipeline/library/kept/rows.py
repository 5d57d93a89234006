"""What is kept of a file is a row: plain values, out of which its nouns come back.

Rows are tuples, and what is empty in one is the one tuple that is: tens of thousands of them are read in every run.
"""

from __future__ import annotations

import hashlib
import marshal
import math
import sys
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from pipeline import model
from pipeline.model import Problem
from pipeline.packing import Packer

# The last version of marshal's format that tells values alone: since the third, also what is interned or referred to twice.
BY_VALUE: Final = 2
NOUNS: Final = Packer(cls for cls in vars(model).values() if isinstance(cls, type) and cls.__module__ == model.__name__)


Problems: TypeAlias = list[Any] | tuple[()]  # packed


class ArticleFile(NamedTuple):
    """What the file of an article says."""

    hash: bytes
    problems: Problems = ()
    held_back: bool = False
    noun: tuple[Any, ...] | None = None  # `article.row_of`; None where it cannot be read
    front: bytes = b""  # the fingerprint of what others may ask of it
    at: float = 0.0  # its date, in seconds since 1970


class SourceFile(NamedTuple):
    """What the file of a source says."""

    hash: bytes
    problems: Problems = ()
    noun: tuple[Any, ...] | None = None  # packed; None where it cannot be read
    id: str = ""
    key: str = ""  # `urls.page_key` of its address
    copy: str = ""  # the SHA-256 of its stored text
    page: str = ""  # the SHA-256 of the page that this was taken from
    is_free: bool = False  # its text may be passed on
    kin: tuple[str | None, str | None, str | None] | None = None  # `Kin`, where it names any other source


class ExaminedRow(NamedTuple):
    """What was found of an article."""

    hash: bytes
    problems: Problems
    names: tuple[str, ...]  # what was looked up meanwhile
    name: bytes  # under which its long values are kept
    claimed: Problems  # those of its sentences
    factual: int  # sentences that claim something
    with_source: int  # of these
    cited: tuple[str, ...]  # ids of sources
    minutes: int
    face: bytes  # the fingerprint of what lists show of it


class CheckedRow(NamedTuple):
    """What was found of a source."""

    hash: bytes
    problems: Problems
    names: tuple[str, ...]
    name: bytes
    is_whole: bool  # its stored text is here as it was taken


class PastRow(NamedTuple):
    """What was found of an article beside its past."""

    hash: bytes
    problems: Problems
    names: tuple[str, ...]
    chain: bytes  # a fingerprint of its versions
    since: float = 0.0  # seconds since 1970 between which this holds
    until: float = math.inf
    is_all: bool = True  # all of its versions could be read


def packed(problems: Iterable[Problem]) -> Problems:
    return NOUNS.pack(list(problems)) or ()


def unpacked(problems: Problems) -> tuple[Problem, ...]:
    return NOUNS.unpack(problems) if problems else ()


def shared(names: Iterable[str]) -> tuple[str, ...]:
    """*names* that other rows have too: each is held once, and written once."""
    return tuple(map(sys.intern, names))


def alike(file: ArticleFile, held: dict[Any, Any]) -> ArticleFile:
    """*file*, whose lists of ids, and ids, are those of *held* where they are equal: each is held once, and written once."""
    same = tuple(
        held.setdefault(one, tuple(held.setdefault(id_, id_) for id_ in one)) if one.__class__ is tuple else one
        for one in file.noun or ()
    )
    return file._replace(noun=same or None)


def digest(parts: Iterable[bytes]) -> bytes:
    """One fingerprint of *parts*, in their order."""
    return hashlib.blake2b(marshal.dumps(list(parts), BY_VALUE), digest_size=16).digest()
