"""An article whose front matter is at hand and whose text is read when somebody asks for it: most of an archive never is."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from pipeline.errors import ContentError
from pipeline.library.citations import find_citations
from pipeline.library.files import Read
from pipeline.library.frontmatter import Document, Unreadable, decode, read_bytes, split
from pipeline.library.weighed import Weighed
from pipeline.model import Article, Citation
from pipeline.packing import Packer

T = TypeVar("T")
MADE_LATER: Final = ("body", "citations")
KEPT_FIELDS: Final = tuple(
    field.name for field in dataclasses.fields(Article) if field.name not in (*MADE_LATER, "path")
)


MOST_HELD: Final = 1_000_000  # characters of texts that are held; those of other articles are read again


class LateTexts:
    """The texts of the articles below *root* that were asked for lately; *hash_of* tells the SHA-256 of a file as it was read."""

    def __init__(self, root: Path, hash_of: Callable[[str], bytes]) -> None:
        self._root = root
        self._hash_of = hash_of
        self._held: Weighed[str, str] = Weighed(MOST_HELD)

    def of(self, path: str) -> str:
        """The text of the article in *path*. Raises `ContentError` where its file cannot be read any more, or is another one."""
        return self._held.get(path, lambda: self._read(path), characters=len)

    def _read(self, path: str) -> str:
        try:
            raw = read_bytes(self._root / path)
            _, body, _ = split(decode(raw))
        except Unreadable as wrong:
            raise ContentError(f"{path}: {wrong.message}") from wrong
        if hashlib.sha256(raw).digest() != self._hash_of(path):
            raise ContentError(f"{path}: was changed while it was read; run again")
        return body


class KeptArticle(Article):
    """`Article` made of *row*, the packed values of `KEPT_FIELDS`; the rest is made of its text, which *texts* has."""

    __slots__ = ("_known", "_packer", "_row", "_texts")

    _row: list[Any]
    _texts: LateTexts
    _packer: Packer
    _known: dict[str, Any]

    def __new__(cls, *values: Any, **fields: Any) -> Any:
        return Article(*values, **fields)  # what `dataclasses.replace` makes is an article with all its values

    @staticmethod
    def made(path: str, row: list[Any], *, texts: LateTexts, packer: Packer) -> KeptArticle:
        article: KeptArticle = object.__new__(KeptArticle)
        put = object.__setattr__
        put(article, "_row", row)
        put(article, "_texts", texts)
        put(article, "_packer", packer)
        put(article, "_known", {"path": path})
        return article

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Article):
            return self is other
        return all(getattr(self, name) == getattr(other, name) for name in Article.__dataclass_fields__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in Article.__dataclass_fields__))

    def __repr__(self) -> str:
        return repr(dataclasses.replace(self))

    def __reduce__(self) -> Any:
        return dataclasses.replace, (dataclasses.replace(self),)


def _kept(name: str, at: int) -> property:
    def value(article: KeptArticle) -> Any:
        found = article._row[at]
        if found.__class__ is str:
            return found
        known = article._known
        if name not in known:
            known[name] = article._packer.unpack(found)
        return known[name]

    return property(value)


def _body(article: KeptArticle) -> str:
    return article._texts.of(article._known["path"])


def _citations(article: KeptArticle) -> tuple[Citation, ...]:
    known = article._known
    if "citations" not in known:
        known["citations"] = find_citations(article.body, first_line=article.body_line)
    found: tuple[Citation, ...] = known["citations"]
    return found


for _at, _name in enumerate((*KEPT_FIELDS, "source_ids")):
    setattr(KeptArticle, _name, _kept(_name, _at))
for _name, _make in zip(MADE_LATER, (_body, _citations), strict=True):
    setattr(KeptArticle, _name, property(_make))
KeptArticle.path = property(lambda article: article._known["path"])  # type: ignore[assignment,misc]


def row_of(article: Article, packer: Packer) -> list[Any]:
    """What `KeptArticle.made` takes."""
    return [packer.pack(getattr(article, name)) for name in (*KEPT_FIELDS, "source_ids")]


class LateRead(Read[T]):
    """What was read of a file, whose places are looked up only where something is wrong."""

    def __init__(self, noun: T, path: str, look: Callable[[], Document]) -> None:
        object.__setattr__(self, "noun", noun)
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "at", ())
        object.__setattr__(self, "_look", look)

    @property
    def document(self) -> Document:
        found: Document = self.__dict__["_look"]()
        return found
