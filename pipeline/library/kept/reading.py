"""Files of content/ as rows, read in any process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ContentError
from pipeline.library import files
from pipeline.library.files import Shelf
from pipeline.library.kept.article import front_of, row_of
from pipeline.library.kept.rows import NOUNS, ArticleFile, SourceFile, packed
from pipeline.library.urls import page_key

if TYPE_CHECKING:
    from pipeline.library.frontmatter import Document


def read_article(file: tuple[str, bytes], root: Path) -> ArticleFile:
    """The row of the article in *file*: its path, and the hash of what it holds."""
    path, hash_ = file
    shelf = _shelf(root, path, files.shelf_of_article)
    found = ArticleFile(hash_, packed(shelf.problems), bool(shelf.held_back))
    for article in (read.noun for read in shelf.articles):
        front = front_of(article, NOUNS)
        found = found._replace(noun=row_of(article, NOUNS), front=front, at=article.date.timestamp())
    return found


def read_source(file: tuple[str, bytes], root: Path) -> SourceFile:
    """The row of the source in *file*, as `read_article`."""
    path, hash_ = file
    shelf = _shelf(root, path, files.shelf_of_source)
    found = SourceFile(hash_, packed(shelf.problems))
    for source in (read.noun for read in shelf.sources):
        taken, kin = source.snapshot, (source.via, source.supersedes, source.superseded_by)
        found = found._replace(
            noun=NOUNS.pack(source),
            id=source.id,
            key=page_key(source.url),
            copy=taken.text_sha256 if taken else "",
            page=taken.sha256 if taken else "",
            is_free=source.redistribute == "full",
            kin=kin if any(kin) else None,
        )
    return found


def bytes_of(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise ContentError(f"{path}: was there a moment ago and cannot be read: {error.strerror}; run again") from error


def document_of(root: Path, path: str) -> Document:
    (read,) = files.shelf_of_article(bytes_of(root, path), path).articles
    return read.document


def _shelf(root: Path, path: str, read: Callable[[bytes, str], Shelf]) -> Shelf:
    from pipeline.library.frontmatter import Unreadable, read_bytes

    try:
        return read(read_bytes(root / path), path)
    except Unreadable as wrong:
        return files.unreadable(path, wrong)
