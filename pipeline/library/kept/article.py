"""An article whose front matter is at hand and whose text is read when somebody asks for it: most of an archive never is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import marshal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from pipeline.errors import ContentError
from pipeline.library.citations import find_citations
from pipeline.library.files import Read
from pipeline.library.frontmatter import Document, Unreadable, decode, read_bytes, split
from pipeline.library.kept.rows import BY_VALUE, digest
from pipeline.library.weighed import Weighed
from pipeline.model import Article, Status
from pipeline.packing import Packer

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
MOST_HELD: Final = 1_000_000  # characters of texts that are held; those of other articles are read again
_FIELDS: Final = {field.name: field.default for field in dataclasses.fields(Article)}
_ALWAYS: Final = ("slug", "title", "dek", "date", "status", "authors", "topics", "body_line", "source_ids")
_SELDOM: Final = {
    name: default for name, default in _FIELDS.items() if name not in (*_ALWAYS, "body", "citations", "path")
}
_DATE, _STATUS = _ALWAYS.index("date"), _ALWAYS.index("status")


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
    """`Article` made of a row (`row_of`); its body and citations are made of its text, which *texts* has, when they are asked for.

    Its fields are slots, so that asking for one takes Python no call: a build asks for several of every article. The slots of body
    and citations are empty, and for an empty one `__getattr__` is called.
    """

    __slots__ = ("_texts", "source_ids")

    def __new__(cls, *values: Any, **fields: Any) -> Any:
        return Article(*values, **fields)  # what `dataclasses.replace` makes is an article with all its values

    @staticmethod
    def made(path: str, row: Row, *, texts: LateTexts, packer: Packer) -> KeptArticle:
        article: KeptArticle = object.__new__(KeptArticle)
        _put_path(article, path)
        _put_texts(article, texts)
        for put, value in zip(_PUT_ALWAYS, row, strict=False):
            put(article, value)
        _put_date(article, dt.datetime.fromisoformat(row[_DATE]))
        _put_status(article, _STATUSES[row[_STATUS]])
        for put, value in _PUT_DEFAULTS:
            put(article, value)
        for name, value in row[-1] or ():
            object.__setattr__(article, name, packer.unpack(value))
        return article

    def __getattr__(self, name: str) -> Any:
        if name == "body":
            return self._texts.of(self.path)
        if name == "citations":
            found = find_citations(self.body, first_line=self.body_line)
            object.__setattr__(self, name, found)
            return found
        raise AttributeError(name)

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Article):
            return self is other
        return all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in _FIELDS))

    def __repr__(self) -> str:
        return repr(dataclasses.replace(self))

    def __reduce__(self) -> Any:
        return dataclasses.replace, (dataclasses.replace(self),)


def _put(name: str) -> Callable[[KeptArticle, Any], None]:
    put: Callable[[KeptArticle, Any], None] = getattr(
        KeptArticle, name
    ).__set__  # goes past what makes the fields read-only
    return put


_put_path, _put_texts, _put_date, _put_status = map(_put, ("path", "_texts", "date", "status"))
_PUT_ALWAYS: Final = tuple(map(_put, _ALWAYS))
_PUT_DEFAULTS: Final = tuple((_put(name), default) for name, default in _SELDOM.items())
_STATUSES: Final = {status.value: status for status in Status}


def row_of(article: Article, packer: Packer) -> Row:
    """What `KeptArticle.made` takes: the values that every article has, and by name the others that are not the default."""
    always = [getattr(article, name) for name in _ALWAYS]
    always[_DATE], always[_STATUS] = article.date.isoformat(), article.status.value
    others = [
        (name, packer.pack(value)) for name, default in _SELDOM.items() if (value := getattr(article, name)) != default
    ]
    return (*always, others or None)


def front_of(article: Article, packer: Packer) -> bytes:
    """The fingerprint of all that others may ask of *article*: nobody looks into the text of another one."""
    names = [name for name in _FIELDS if name not in ("body", "citations", "path")]
    packed = [packer.pack(getattr(article, name)) for name in (*names, "source_ids")]
    return digest([marshal.dumps(packed, BY_VALUE)])


class LateRead(Read[T]):
    """What was read of a file, whose places are looked up only where something is wrong."""

    _look: Callable[[str], Document]

    def __init__(self, noun: T, path: str, look: Callable[[str], Document]) -> None:
        object.__setattr__(self, "noun", noun)
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "at", ())
        object.__setattr__(self, "_look", look)

    @property
    def document(self) -> Document:
        return self._look(self.path)
